// Quantized addition and layer normalization in one, with the bits of both.
#pragma once

#include "kernels/layer_normalization.h"
#include "kernels/pair.h"

namespace qudnn::kernels {

// Rows that are summed in shared memory: with at most so many elements, of which eight or more are
// normalized.
constexpr int64_t kMostAddedChannels = 1536;
constexpr bool adds_in_shared_memory(const NormalizationGeometry& g) {
    return g.channels >= 8 && g.x_stride <= kMostAddedChannels;
}

// layer_normalization() of what add() makes of a and b; both are dense, of the rows and the stride of g's x.
// total, where it is not null, receives the sum. Only where adds_in_shared_memory().
cudaError_t add_layer_normalization(const NormalizationGeometry& g, const PairScales& sum,
                                    const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                    const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                    cudaStream_t stream);

}  // namespace qudnn::kernels
