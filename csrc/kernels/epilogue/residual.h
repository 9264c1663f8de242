// The residual that a convolution adds to its results, and the constant that a matmul adds.
#pragma once

#include <cstdint>

#include "kernels/elementwise/binary.h"

namespace qudnn::kernels {

// r has the shape of the result y and is dense; both are int8, on the GPU. If r is null, nothing is added.
// Where it is per_channel, r is [k] instead, one value for each output channel, and a multiple of 16.
//
// Unless in_float, the sum is that of add.h: its operands are y and r if result_first, else r and y. The
// scales and zero points of a and b are in this order; those of the scales' y are the sum's.
//
// With in_float nothing is rounded before the sum. b_scale and b_zero_point are those of r, y_scale is one
// that divides_exactly(); zero point, low and high are the epilogue's, whose multiplier gives real numbers:
//   real = float(acc + bias[k]) * multiplier[k] + float(r - b_zero_point) * b_scale
//   y = clamp(rint(real / y_scale) + zero_point, low, high)
// with one rounding after each float32 operation.
struct Residual {
    const int8_t* r = nullptr;
    BinaryScales scales{};
    bool y_first = true;
    bool in_float = false;
    bool per_channel = false;  // not with in_float
};

// Whether kernels can divide by the scale, to 8 bits and exactly, in fewer instructions than a division.
bool divides_exactly(float scale);

}  // namespace qudnn::kernels
