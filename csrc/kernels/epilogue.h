// What becomes of an int32 accumulator: how every convolution and matrix product ends.
#pragma once

#include <cstdint>

namespace qudnn::kernels {

// By the type of y, where acc + bias[k] wraps and every other operation rounds once:
//   int8     clamp(rint(float(acc + bias[k]) * multiplier[k]) + zero_point, low, high), half to even;
//            low and high lie within [-128, 127]
//   float32  float(acc + bias[k]) * multiplier[k] + addend[k]
//   int32    acc + bias[k]
// bias, multiplier and addend: one value per output channel, on the GPU; null where y's type has no use for
// it.
struct Epilogue {
    const int32_t* bias;
    const float* multiplier = nullptr;
    int zero_point = 0;
    int low = -128;
    int high = 127;
    const float* addend = nullptr;
};

}  // namespace qudnn::kernels
