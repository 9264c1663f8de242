// Quantized addition with the bits of QLinearAdd.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/broadcast.h"

namespace qudnn::kernels {

// a and b are int8 as an island holds them; the arithmetic sees a + offset and b + offset (128 for
// uint8 tensors, 0 for int8 ones), to which the zero points belong. The float32 steps:
//   f = float(y_zero_point) - fma(a_zero_point, ra, rb * b_zero_point),  ra = a_scale / y_scale, rb alike
//   y = saturate(rint(fma(a, ra, fma(b, rb, f)))) - offset
struct AddScales {
    float a_scale, b_scale, y_scale;
    int a_zero_point, b_zero_point, y_zero_point;
    int offset;
};

cudaError_t add(const Broadcast& g, const AddScales& scales, const int8_t* a, const int8_t* b, int8_t* y,
                cudaStream_t stream);

}  // namespace qudnn::kernels
