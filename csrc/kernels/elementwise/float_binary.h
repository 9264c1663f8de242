// Sum and product of two quantized tensors in float32, as between DequantizeLinear and QuantizeLinear.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/common/broadcast.h"
#include "kernels/elementwise/binary.h"

namespace qudnn::kernels {

// The bounds of int8 results.
struct Limits {
    int low = -128, high = 127;
};

// The float32 steps, for op + or *; the scales' offset is 0:
//   real = (float(a - a_zero_point) * a_scale) op (float(b - b_zero_point) * b_scale)
//   y = rint(clamp(real / y_scale, -128 - y_zero_point, 127 - y_zero_point)) + y_zero_point, then into limits
cudaError_t float_add(const Broadcast<2>& g, const BinaryScales& scales, Limits limits, const int8_t* a,
                      const int8_t* b, int8_t* y, cudaStream_t stream);
cudaError_t float_mul(const Broadcast<2>& g, const BinaryScales& scales, Limits limits, const int8_t* a,
                      const int8_t* b, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
