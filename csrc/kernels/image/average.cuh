// The mean of a window, with the bits of QLinearAveragePool; average_pool.h has the formula.
#pragma once

#include "kernels/common/common.cuh"
#include "kernels/image/average_pool.h"

namespace qudnn::kernels {

struct Average {
    float x_scale, y_scale, zero_point;
    float low, high;
    float origin;       // of bytes + offset - x_zero_point
    float fixed_count;  // 0: the pixels inside
    uint32_t flip;      // results to int8: xor of the sign bits

    // window: the number of its pixels.
    Average(const AverageScales& s, float window)
        : x_scale(s.x_scale),
          y_scale(s.y_scale),
          zero_point(static_cast<float>(s.y_zero_point)),
          low(static_cast<float>(s.offset - 128)),
          high(static_cast<float>(s.offset + 127)),
          origin(byte_origin(s.x_zero_point - s.offset)),
          fixed_count(s.count_padding ? window : 0),
          flip(splat(s.offset)) {}

    __device__ void accumulate(float& sum, uint32_t biased, uint32_t i) const {
        sum = plus(sum, multiply(x_scale, byte_to_float(biased, i, origin)));
    }
    // Beyond int32's range, x86's conversion gives the lowest number, and so does the specification.
    __device__ uint32_t result(float sum, float count) const {
        float value = plus(divide(divide(sum, count), y_scale), zero_point);
        if (value >= 2147483648.0f) value = low;
        return round_to_byte(fminf(fmaxf(value, low), high));
    }
};

// The sums of a vector's channels.
template <typename V>
struct Sums;

template <>
struct Sums<uint4> {
    float sums[16] = {};

    __device__ void take(const uint4& v, const Average& k) {
        const uint32_t words[4] = {v.x ^ kByteBias, v.y ^ kByteBias, v.z ^ kByteBias, v.w ^ kByteBias};
#pragma unroll
        for (uint32_t i = 0; i < 16; ++i) k.accumulate(sums[i], words[i / 4], i % 4);
    }
    __device__ uint32_t word(int i, float count, const Average& k) const {
        return pack(k.result(sums[4 * i], count), k.result(sums[4 * i + 1], count),
                    k.result(sums[4 * i + 2], count), k.result(sums[4 * i + 3], count)) ^
               k.flip;
    }
    __device__ uint4 value(float count, const Average& k) const {
        return {word(0, count, k), word(1, count, k), word(2, count, k), word(3, count, k)};
    }
};

template <>
struct Sums<uint8_t> {
    float sum = 0;

    __device__ void take(uint8_t v, const Average& k) { k.accumulate(sum, v ^ kByteBias, 0); }
    __device__ uint8_t value(float count, const Average& k) const {
        return static_cast<uint8_t>(k.result(sum, count) ^ k.flip);
    }
};

// Runs the kernel with the types of what a thread takes, 16 channels where they are aligned, and of an index
// that counts as many; g.c counts them then, too.
template <class Geometry, class Run>
cudaError_t run_average(Geometry g, int64_t count, const int8_t* x, const int8_t* y, const Run& run) {
    if (count == 0) return cudaSuccess;
    if (g.c % 16 != 0 || !aligned(x, 16) || !aligned(y, 16))
        return narrow(count) ? run.template operator()<uint8_t, uint32_t>(g, count)
                             : run.template operator()<uint8_t, uint64_t>(g, count);
    g.c /= 16;
    count /= 16;
    return narrow(count) ? run.template operator()<uint4, uint32_t>(g, count)
                         : run.template operator()<uint4, uint64_t>(g, count);
}

}  // namespace qudnn::kernels
