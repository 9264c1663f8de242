// A residual addition and a normalization by mean squares in float32, of an island's rows.
#pragma once

#include "kernels/norm/normalize_to_island.h"

namespace qudnn::kernels {

// total = (x + residual) + bias, [rows, channels], to
//   y = total / sqrt(s / channels + epsilon) * gamma
//   q = saturate(rint(y / q_scale) + q_zero_point)
// where s is the sum of the squares, which are added one by one, in order. bias, gamma: [channels], on the
// GPU. residual: as that of add_layer_normalization_to_island().
cudaError_t add_rms_normalization_to_island(const ToIslandGeometry& g, const ToIslandScales& scales,
                                            const DequantizedRows& x, const float* bias,
                                            const DequantizedRows& residual, const float* gamma, int8_t* q,
                                            const FloatResults& results, cudaStream_t stream);
cudaError_t add_rms_normalization_to_island(const ToIslandGeometry& g, const ToIslandScales& scales,
                                            const DequantizedRows& x, const float* bias,
                                            const FloatRows& residual, const float* gamma, int8_t* q,
                                            const FloatResults& results, cudaStream_t stream);

}  // namespace qudnn::kernels
