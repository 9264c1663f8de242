// Requantization of an int32 accumulator, as every convolution and matrix product ends.
#pragma once

#include <cstdint>

namespace qudnn::kernels {

// y = clamp(rint(float(acc + bias[k]) * multiplier[k]) + zero_point, low, high), half to even;
// low and high lie within [-128, 127]. bias and multiplier: one value per output channel, on the GPU.
struct Epilogue {
    const int32_t* bias;
    const float* multiplier;
    int zero_point;
    int low;
    int high;
};

}  // namespace qudnn::kernels
