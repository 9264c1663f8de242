// Quantized addition and layer normalization in one, with the bits of both.
#pragma once

#include "kernels/elementwise/binary.h"
#include "kernels/norm/layer_normalization.h"

namespace qudnn::kernels {

constexpr bool adds_in_one_pass(const NormalizationGeometry& g) { return g.channels >= 8; }

// layer_normalization() of add() of a and b, which are dense and have the rows and the stride of g's x. If
// total is not null, it receives the sum. Only if adds_in_one_pass().
cudaError_t add_layer_normalization(const NormalizationGeometry& g, const BinaryScales& sum,
                                    const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                    const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                    cudaStream_t stream);
// The same of float_add().
cudaError_t float_add_layer_normalization(const NormalizationGeometry& g, const BinaryScales& sum,
                                          const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                          const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                          cudaStream_t stream);

}  // namespace qudnn::kernels
