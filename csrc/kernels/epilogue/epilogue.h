// The epilogue of convolutions and matmuls: what becomes of an int32 accumulator.
#pragma once

#include <cstdint>

namespace qudnn::kernels {

// It depends on the type of y. acc + bias[k] wraps, every other operation rounds once:
//   int8     clamp(rint(float(acc + bias[k]) * multiplier[k]) + zero_point, low, high), half to even;
//            low and high lie within [-128, 127]; with zero_points, zero_points[k] stands for zero_point
//   float32  float(acc + bias[k]) * multiplier[k] + addend[k]
//   int32    acc + bias[k]
// bias, multiplier, addend and zero_points: one value per output channel, on the GPU; null if y's type does
// not use it. zero_points is null, too, if all channels have one zero point; otherwise it holds whole numbers
// in [-128, 127] as floats, and low and high are -128 and 127.
//
// With a table, of int8 results without zero_points, y = table[128 + r] of the r that the formula gives; the
// table has 256 entries, on the GPU. Its results have a zero point of their own, that of padding around y.
struct Epilogue {
    const int32_t* bias;
    const float* multiplier = nullptr;
    int zero_point = 0;
    int low = -128;
    int high = 127;
    const float* addend = nullptr;
    const float* zero_points = nullptr;
    const int8_t* table = nullptr;
    int table_zero_point = 0;

    // What padding around y is filled with.
#ifdef __CUDACC__
    __host__ __device__
#endif
        int padding() const {
        return table == nullptr ? zero_point : table_zero_point;
    }
};

}  // namespace qudnn::kernels
