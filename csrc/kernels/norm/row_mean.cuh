// The mean of a row as normalize_to_island.h specifies it: of a sum in float64 whose order counts.
#pragma once

#include "kernels/norm/normalized_row.cuh"

namespace qudnn::kernels {

// The sum in the specification's order, by the eight threads of a row; four of them would do.
template <typename Value>
__device__ double ordered_sum(int channels, int lane, Value value) {
    const int fours = channels / 4 * 4;
    double sum = 0;
#pragma unroll 8
    for (int c = lane % 4; c < fours; c += 4) sum = __dadd_rn(sum, static_cast<double>(value(c)));
    sum = __dadd_rn(sum, __shfl_xor_sync(kAll, sum, 2));
    sum = __dadd_rn(sum, __shfl_xor_sync(kAll, sum, 1));
    for (int c = fours; c < channels; ++c) sum = __dadd_rn(sum, static_cast<double>(value(c)));
    return sum;
}

__device__ inline float mean_of_sum(double sum, int channels) {
    return static_cast<float>(__ddiv_rn(sum, static_cast<double>(channels)));
}

// Whether no addition of the row's values rounds, in any order: all are multiples of one power of two that is
// at least 2^-53 of `magnitude`, the sum of their absolute values.
template <int kCount>
__device__ bool sums_are_exact(const float (&values)[kCount], float magnitude) {
    uint32_t least = ~0u;  // of the weights of their lowest bits: twice a float's bits, less 1
#pragma unroll
    for (const float value : values) {
        // Without its lowest bit it differs by that bit's weight, or, being a power of two, by half of it or
        // more.
        const uint32_t bits = float_bits(value);
        const float weight = plus(value, -__uint_as_float(bits & (bits - 1)));
        least = min(least, float_bits(weight) * 2 - 1);
    }
#pragma unroll
    for (int other = 16; other > 0; other /= 2) least = min(least, __shfl_xor_sync(kAll, least, other));
    // With a bit to spare for the magnitude's own roundings.
    return multiply(magnitude, 0x1p-52f) <= __uint_as_float(least / 2 + 1);
}

// The mean of a row in the registers of a warp, in all of its threads, each with up to channels / 32 + 4 of
// the row's values and zeros besides. It is added up in whatever order is the fastest: sums in two orders
// differ by what their additions may have rounded off, which seldom reaches the float32 that is made of them.
// Where it may, and additions have rounded, the specification's order decides, for which value(c) gives the
// row to all threads. reciprocal: 1 / channels.
template <int kCount, typename Value>
__device__ float mean_of_row(const float (&values)[kCount], int channels, double reciprocal, Value value) {
    double sum = 0;
    float magnitude = 0;
#pragma unroll
    for (const float mine : values) {
        sum = __dadd_rn(sum, static_cast<double>(mine));
        magnitude = plus(magnitude, fabsf(mine));
    }
#pragma unroll
    for (int other = 16; other > 0; other /= 2) {
        sum = __dadd_rn(sum, __shfl_xor_sync(kAll, sum, other));
        magnitude = plus(magnitude, __shfl_xor_sync(kAll, magnitude, other));
    }
    // A rounding is wrong by up to 2^-53 of the magnitude. A value goes through channels / 4 + 1 of them in
    // the specification's order, channels / 32 + 8 here, and a few in the quotients, which is less than this.
    const double error = (channels / 2 + 16) * 0x1p-53 * magnitude;
    const auto low = static_cast<float>(__dmul_rn(__dadd_rn(sum, -error), reciprocal));
    const auto high = static_cast<float>(__dmul_rn(__dadd_rn(sum, error), reciprocal));
    if (float_bits(low) == float_bits(high)) return low;
    if (!sums_are_exact(values, magnitude)) sum = ordered_sum(channels, threadIdx.x % kLanes, value);
    return mean_of_sum(sum, channels);
}

}  // namespace qudnn::kernels
