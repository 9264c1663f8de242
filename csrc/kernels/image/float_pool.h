// Pools of float32 images, channels-last, with the activation before them.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/common/float_activation.h"
#include "kernels/image/max_pool.h"

namespace qudnn::kernels {

// x [n,hw,c] -> y [n,c]: the mean of f(x), summed up in float32 as table_global_average_pool does it.
cudaError_t float_global_average_pool(int64_t n, int64_t hw, int64_t c, const FloatActivation& f,
                                      const float* x, float* y, cudaStream_t stream);

// x [n,hw,c] -> y [n,y_stride] int8: saturate(rint(mean / y_scale) + y_zero_point) of that mean of x itself;
// elements beyond the channels become 0.
cudaError_t quantized_global_average_pool(int64_t n, int64_t hw, int64_t c, int64_t y_stride, float y_scale,
                                          int y_zero_point, const float* x, int8_t* y, cudaStream_t stream);

// x [n,h,w,c] -> y [n,p,q,c], without padding: the maximum of f(x) over each window. f does not decrease.
// A window that only NaN or padding is in gives the lowest number.
cudaError_t float_max_pool(const PoolGeometry& g, const FloatActivation& f, const float* x, float* y,
                           cudaStream_t stream);

// x [n,h,w,c] -> y [n,p,q,c], without padding: the mean of f(x) over each window, whose dilations are 1. Each
// column of a window is added up in float32, then the columns. Padding is left out, or counts as 0.
cudaError_t float_average_pool(const PoolGeometry& g, bool count_padding, const FloatActivation& f,
                               const float* x, float* y, cudaStream_t stream);

}  // namespace qudnn::kernels
