// Attention's softmax: float32 scores plus a mask, to 8 bits.
#pragma once

#include "kernels/softmax/masked_softmax.h"

namespace qudnn::kernels {

struct ScoreScales {
    float factor, divisor, y_scale;
    int y_zero_point;
};

// r = x * factor / divisor + mask                 one rounding after each operation
// y = saturate(rint(softmax(r) / y_scale) + y_zero_point) of the channels, 0 beyond them; -128 in a row that
// has a NaN.
// The softmax is within 2^-20 + 2^-21 * |r| of the exact value, relatively: results differ by one at most
// from those of exact numbers.
cudaError_t softmax_to_island(const MaskedSoftmaxGeometry& g, const ScoreScales& scales, const float* x,
                              const float* mask, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
