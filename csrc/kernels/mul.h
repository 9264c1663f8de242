// Quantized product with the bits of QLinearMul.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/broadcast.h"

namespace qudnn::kernels {

// a and b are int8 as an island holds them; the arithmetic sees a + offset and b + offset (128 for
// uint8 tensors, 0 for int8 ones), to which the zero points belong. The float32 steps:
//   y = saturate(rint(float((a - a_zero_point) * (b - b_zero_point)) * r + float(y_zero_point))) - offset,
//   r = (a_scale * b_scale) / y_scale
struct MulScales {
    float a_scale, b_scale, y_scale;
    int a_zero_point, b_zero_point, y_zero_point;
    int offset;
};

cudaError_t mul(const Broadcast& g, const MulScales& scales, const int8_t* a, const int8_t* b, int8_t* y,
                cudaStream_t stream);

}  // namespace qudnn::kernels
