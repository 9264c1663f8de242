// Attention's softmax: 8-bit scores plus a float32 mask, to 8 bits.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/common/broadcast.h"

namespace qudnn::kernels {

// x and y have a row, at these strides, for each element of `rows`. The operand of `rows` is the mask: its
// strides count rows of the mask. A row of the mask has mask_channels floats, 1 or `channels`.
struct MaskedSoftmaxGeometry {
    Broadcast<1> rows;
    int64_t channels;
    int64_t x_stride, y_stride;  // at least channels
    int64_t mask_channels;
};

struct MaskedSoftmaxScales {
    float x_scale, factor, divisor, y_scale;
    int x_zero_point, y_zero_point;
};

// r = (x - x_zero_point) * (x_scale * factor / divisor) + mask
// y = saturate(rint(softmax(r) / y_scale) + y_zero_point) of the first `channels`, 0 beyond them; -128 in a
// row that has a NaN.
// The softmax is within 2^-20 + 2^-21 * |r - mask| of the exact value, relatively. Compared with the formula
// rounded after each operation, at most one result of 1000 differs, and by one.
cudaError_t masked_softmax(const MaskedSoftmaxGeometry& g, const MaskedSoftmaxScales& scales, const int8_t* x,
                           const float* mask, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
