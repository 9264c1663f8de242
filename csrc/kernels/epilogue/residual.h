// What is added to the results of a convolution.
#pragma once

#include <cstdint>

#include "kernels/elementwise/binary.h"

namespace qudnn::kernels {

// r is as large as the result y and dense, both int8, on the GPU. Null r: nothing is added.
//
// Unless in_float, the sum is that of add.h, of y and r where y comes first, of r and y otherwise: the scales
// and zero points of a and b are in that order, those of the scales' y are the sum's.
//
// in_float: nothing is rounded before the sum. With b_scale and b_zero_point of r, a y_scale that
// divides_exactly(), and the zero point, low and high of the epilogue, whose multiplier gives real numbers:
//   real = float(acc + bias[k]) * multiplier[k] + float(r - b_zero_point) * b_scale
//   y = clamp(rint(real / y_scale) + zero_point, low, high)
// with one rounding after each float32 operation.
struct Residual {
    const int8_t* r = nullptr;
    BinaryScales scales{};
    bool y_first = true;
    bool in_float = false;
};

// Whether kernels find the 8 bits of every number divided by the scale in fewer instructions than a division.
bool divides_exactly(float scale);

}  // namespace qudnn::kernels
