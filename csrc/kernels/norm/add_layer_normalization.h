// Quantized addition and layer normalization in one, with the bits of both.
#pragma once

#include "kernels/elementwise/binary.h"
#include "kernels/norm/layer_normalization.h"

namespace qudnn::kernels {

constexpr bool adds_in_one_pass(const NormalizationGeometry& g) { return g.channels >= 8; }

// layer_normalization() of what add() makes of a and b; both are dense, of the rows and the stride of g's x.
// total, where it is not null, receives the sum. Only where adds_in_one_pass().
cudaError_t add_layer_normalization(const NormalizationGeometry& g, const BinaryScales& sum,
                                    const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                    const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                    cudaStream_t stream);
// The same of what float_add() makes of them.
cudaError_t float_add_layer_normalization(const NormalizationGeometry& g, const BinaryScales& sum,
                                          const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                          const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                          cudaStream_t stream);

}  // namespace qudnn::kernels
