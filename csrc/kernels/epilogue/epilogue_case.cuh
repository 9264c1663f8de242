// The epilogue from int32 accumulators of the tensor cores to 8 bits, in few instructions if sums are small.
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/common/common.cuh"

namespace qudnn::kernels {

enum class EpilogueCase {
    any,
    small,           // sums smaller than kSmallSum, no upper bound but 127, |multipliers| of at most 1
    small_unbounded  // no lower bound but -128 either
};

// A bias as the functions below take it.
__device__ inline uint32_t bias_word(int32_t bias, bool small) {
    return small ? float_bits(static_cast<float>(bias) - kRoundingShift)
                 : static_cast<uint32_t>(wrapping_add(bias, -kSumOrigin));
}

// accumulator + bias, rounded to a float.
template <bool kSmall>
__device__ inline float biased_sum(int32_t accumulator, uint32_t bias) {
    if constexpr (kSmall)
        return plus(__uint_as_float(static_cast<uint32_t>(accumulator)), __uint_as_float(bias));
    else
        return __int2float_rn(wrapping_add(accumulator, static_cast<int32_t>(bias)));
}

// Scales and rounds an accumulator; pack_rounded() then makes 8 bits of it.
template <EpilogueCase kEpilogue>
__device__ inline int32_t rounded(int32_t accumulator, uint32_t bias, float multiplier,
                                  const OutputRange& range) {
    float value = multiply(biased_sum<kEpilogue != EpilogueCase::any>(accumulator, bias), multiplier);
    if constexpr (kEpilogue == EpilogueCase::any) {
        return static_cast<int32_t>(quantize(value, range));
    } else {
        if constexpr (kEpilogue == EpilogueCase::small) value = fmaxf(value, range.low);
        // Bits of positive floats are ordered like the floats, and value is far above -2^23.
        return rounded_bits(value) + range.shift;
    }
}

// As rounded(), with a zero point of the column's own and no bounds but -128 and 127: for
// pack_rounded<EpilogueCase::small>().
template <bool kSmall>
__device__ inline int32_t rounded_with(int32_t zero_point, int32_t accumulator, uint32_t bias,
                                       float multiplier) {
    float value = multiply(biased_sum<kSmall>(accumulator, bias), multiplier);
    if constexpr (!kSmall) value = fmaxf(value, -256.0f);  // below -128 for every zero point
    return rounded_bits(value) - kSumOrigin + zero_point;
}

template <EpilogueCase kEpilogue>
__device__ inline uint32_t pack_rounded(const int32_t (&r)[4]) {
    if constexpr (kEpilogue == EpilogueCase::any)
        return pack(static_cast<uint32_t>(r[0]), static_cast<uint32_t>(r[1]), static_cast<uint32_t>(r[2]),
                    static_cast<uint32_t>(r[3]));
    else
        return pack_saturated(r[0], r[1], r[2], r[3]);
}

}  // namespace qudnn::kernels
