// The mean of a function of int8 images in float32, quantized again or not.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/elementwise/table_binary.h"

namespace qudnn::kernels {

// x [n,hw,c] -> y [n,c]; dense int8. The float32 steps, one rounding each:
//   real = table[c, x + 128]
//   s[k] = sum of every fourth pixel from k on, as far as there are four, in order
//   y = saturate(rint((((s[0] + s[2]) + (s[1] + s[3])) + the pixels left, in order) / hw / y_scale) +
//   y_zero_point)
cudaError_t table_global_average_pool(int64_t n, int64_t hw, int64_t c, FloatTable table, float y_scale,
                                      int y_zero_point, const int8_t* x, int8_t* y, cudaStream_t stream);

// y [n,c] float32: the mean itself.
cudaError_t table_global_average_pool_to_float(int64_t n, int64_t hw, int64_t c, FloatTable table,
                                               const int8_t* x, float* y, cudaStream_t stream);

}  // namespace qudnn::kernels
