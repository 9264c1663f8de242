// Matmul of a few rows, as the classifier of one image is: it takes as long as its weights take to be read,
// most of which it does before the kernels before have ended.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

#include "kernels/epilogue/epilogue.h"
#include "kernels/epilogue/residual.h"

namespace qudnn::kernels {

constexpr int kFewRowsColumns = 4;  // of a block

// Why the kernel does not take so many rows and values of each; empty if it does.
std::string few_rows_refusal(int64_t m, int64_t c);

// As matmul(), or with a constant's r as matmul_and_constant(), whose y is int8. x and w are aligned to 16
// bytes.
template <typename Y>
cudaError_t few_rows(int64_t m, int64_t k, int64_t c, const int8_t* x, const int8_t* w,
                     const Epilogue& epilogue, const Residual& constant, Y* y, cudaStream_t stream);

}  // namespace qudnn::kernels
