// What becomes of an int32 accumulator: how every convolution and matmul ends.
#pragma once

#include <cstdint>

namespace qudnn::kernels {

// By the type of y, where acc + bias[k] wraps and every other operation rounds once:
//   int8     clamp(rint(float(acc + bias[k]) * multiplier[k]) + zero_point, low, high), half to even;
//            low and high lie within [-128, 127]; with zero_points, zero_points[k] stands for zero_point
//   float32  float(acc + bias[k]) * multiplier[k] + addend[k]
//   int32    acc + bias[k]
// bias, multiplier, addend and zero_points: one value per output channel, on the GPU; null where y's type has
// no use for it, zero_points also where all channels have the same. Those are whole numbers in [-128, 127],
// as floats, and low and high are -128 and 127 then.
struct Epilogue {
    const int32_t* bias;
    const float* multiplier = nullptr;
    int zero_point = 0;
    int low = -128;
    int high = 127;
    const float* addend = nullptr;
    const float* zero_points = nullptr;
};

}  // namespace qudnn::kernels
