// Quantized multiplication with the bits of QLinearMul.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/common/broadcast.h"
#include "kernels/elementwise/binary.h"

namespace qudnn::kernels {

// The float32 steps:
//   y = saturate(rint(float((a - a_zero_point) * (b - b_zero_point)) * r + float(y_zero_point))) - offset,
//   r = (a_scale * b_scale) / y_scale
cudaError_t mul(const Broadcast<2>& g, const BinaryScales& scales, const int8_t* a, const int8_t* b,
                int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
