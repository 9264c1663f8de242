// What is added to the results of a convolution.
#pragma once

#include <cstdint>

#include "kernels/elementwise/pair.h"

namespace qudnn::kernels {

// r is as large as the result y and dense, both int8, on the GPU. The sum is that of add.h, of y and r where
// y comes first, of r and y otherwise: the scales and zero points of a and b are in that order, those of the
// scales' y are the sum's. Null r: nothing is added.
struct Residual {
    const int8_t* r = nullptr;
    PairScales scales{};
    bool y_first = true;
};

}  // namespace qudnn::kernels
