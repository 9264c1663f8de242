// The steps of layer normalization (see layer_normalization.h) that its kernels share, eight threads to a
// row.
#pragma once

#include "kernels/common/common.cuh"
#include "kernels/common/float_divisor.cuh"

namespace qudnn::kernels {

constexpr int kLanes = 8;  // threads of a row: as many as the specification's sums of squares
constexpr unsigned kAll = 0xFFFFFFFFu;

// saturate(rint(value / scale) + zero_point) of many values.
struct RowQuantizer {
    OutputRange range;
    IntegerDivisor scale;
    float lowest, highest;  // whose quotients are the ends of the range
    bool plain;             // only a plain division will do for scale

    __host__ __device__ RowQuantizer(float scale, int zero_point)
        : range(zero_point),
          scale(scale),
          lowest(multiply(static_cast<float>(-128 - zero_point), scale)),
          highest(multiply(static_cast<float>(127 - zero_point), scale)),
          plain(!IntegerDivisor::takes(scale)) {}

    // The lowest byte counts.
    template <bool kPlain>
    __device__ uint32_t quantized(float value) const {
        if constexpr (kPlain) return quantize(divide(value, scale.value), range);
        return round_to_byte(divided(value)) + static_cast<uint32_t>(range.shift);
    }
    // Four of them as bytes.
    template <bool kPlain>
    __device__ uint32_t quantized(const float (&values)[4]) const {
        if constexpr (kPlain) {
            return pack(quantized<true>(values[0]), quantized<true>(values[1]), quantized<true>(values[2]),
                        quantized<true>(values[3]));
        } else {
            return round_to_bytes(
                {divided(values[0]), divided(values[1]), divided(values[2]), divided(values[3])},
                range.shift);
        }
    }

  private:
    // Clamped before the division, which NaN takes to the lower end, the result needs no clamp.
    __device__ float divided(float value) const {
        return scale.quotient(fminf(fmaxf(value, lowest), highest));
    }
};

__device__ inline float deviation(float squares, int channels, float epsilon) {
    return __fsqrt_rn(plus(divide(squares, static_cast<float>(channels)), epsilon));
}

// The sum of the eight sums of a row's squares, in each of its threads.
__device__ inline float sum_of_lanes(float value) {
#pragma unroll
    for (int other = kLanes / 2; other > 0; other /= 2)
        value = plus(value, __shfl_xor_sync(kAll, value, other));
    return value;
}

// The squared differences of the last channels, fewer than eight of them, added to the sum of the others.
template <typename Value>
__device__ float with_last_squares(float squares, int channels, float mean, Value value) {
    const int rest = channels % kLanes;
    for (int i = 0; i < rest; ++i) {
        const float difference = plus(value(channels - rest + i), -mean);
        squares = i < 4 && rest >= 4 ? plus(squares, multiply(difference, difference))
                                     : fused_multiply_add(difference, difference, squares);
    }
    return squares;
}

// Fewer than eight channels on a thread: store(c, normalized) for each.
template <typename Value, typename Store>
__device__ void normalize_short_row(int channels, float epsilon, const float* gamma, const float* beta,
                                    Value value, Store store) {
    float mean = 0, squares = 0;
    for (int c = 0; c < channels; ++c) {
        const float difference = plus(value(c), -mean);
        mean = plus(mean, divide(difference, static_cast<float>(c + 1)));
        squares = plus(squares, multiply(difference, plus(value(c), -mean)));
    }
    const float divisor = deviation(squares, channels, epsilon);
    for (int c = 0; c < channels; ++c)
        store(c, plus(multiply(divide(plus(value(c), -mean), divisor), gamma[c]), beta[c]));
}

}  // namespace qudnn::kernels
