// Resizing of quantized images in float32, as between DequantizeLinear and QuantizeLinear, channels-last.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/image/resize.h"

namespace qudnn::kernels {

struct FloatResizeScales {
    float x_scale, y_scale;
    int x_zero_point, y_zero_point;
};

// x [n,h.in,w.in,c] -> y [n,h.out,w.out,c], dense int8, in float32 steps, one rounding each:
//   real = float(x - x_zero_point) * x_scale
//   sum  = the four pixels around, ((upper left + upper right) + lower left) + lower right, each times
//          (weight of its column * weight of its row)
//   y    = rint(clamp(sum / y_scale, -128 - y_zero_point, 127 - y_zero_point)) + y_zero_point
// If both scales are 1, sum is real.
cudaError_t float_resize(const ResizeGeometry& g, const FloatResizeScales& scales, const int8_t* x, int8_t* y,
                         cudaStream_t stream);

}  // namespace qudnn::kernels
