// Direct int8 matmul: any size, exact epilogue, nothing clever.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/epilogue/epilogue.h"
#include "kernels/epilogue/residual.h"

namespace qudnn::kernels {

// x [m,c], w [k,c], y [m,k]; all dense, row-major; y int8, int32 or float. y = epilogue(x * w^T).
template <typename Y>
cudaError_t matmul(int64_t m, int64_t k, int64_t c, const int8_t* x, const int8_t* w,
                   const Epilogue& epilogue, Y* y, cudaStream_t stream);

// The same, with a residual of each channel that is added to int8 results once they are rounded; the
// epilogue's table, if there is one, is of the sums.
cudaError_t matmul_and_constant(int64_t m, int64_t k, int64_t c, const int8_t* x, const int8_t* w,
                                const Epilogue& epilogue, const Residual& constant, int8_t* y,
                                cudaStream_t stream);

}  // namespace qudnn::kernels
