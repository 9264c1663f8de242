// The epilogue of a convolution that adds a residual in float32, as a kernel of its own: sums are in memory.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/epilogue/epilogue.h"
#include "kernels/epilogue/residual.h"

namespace qudnn::kernels {

// Computes y from int32 sums, biases included, and the residual, as residual.h says for in_float. Sums and y
// have `count` elements in rows of k output channels; count, k and pointers are multiples of 16.
cudaError_t end_with_residual(int64_t count, int64_t k, const int32_t* sums, const Epilogue& epilogue,
                              const Residual& residual, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
