// The end of a convolution that adds a residual in float32, where the sums lie in memory.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/epilogue/epilogue.h"
#include "kernels/epilogue/residual.h"

namespace qudnn::kernels {

// y = what residual.h makes of int32 sums, biases included, and the residual, which is in_float. Sums and y
// have `count` elements, the k output channels in each row of them; all are multiples of 16.
cudaError_t end_with_residual(int64_t count, int64_t k, const int32_t* sums, const Epilogue& epilogue,
                              const Residual& residual, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
