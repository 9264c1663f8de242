// The epilogue of window.h's kernel.
#pragma once

#include "kernels/epilogue/epilogue_case.cuh"
#include "kernels/window/window_block.cuh"

namespace qudnn::kernels {

// An output pixel: its number in y, negative where the row of the matrix is none, and its kind.
struct WindowPixel {
    int place, kind = 0;

    __device__ WindowPixel(const Window& g, uint32_t row) {
        const auto q = static_cast<int>(split(row, g.pitch)), p = static_cast<int>(split(row, g.lines));
        const auto n = static_cast<int>(row);
        const bool valid = q < g.q && p < g.p && n < g.images;
        const auto image = static_cast<int>(g.y.image), line = static_cast<int>(g.y.line);
        place = valid ? static_cast<int>(g.y.origin) + n * image + p * line + q : -1;
        if (valid && g.kinds > 1)
            kind = g.row_border.kind(p) * g.column_border.kinds() + g.column_border.kind(q);
    }
};

// From a float to a byte.
enum class Rounding {
    clamped,   // any bounds
    shifted,   // no upper bound but 127
    bytes,     // as `shifted`, of a zero point of 0
    unsigned_  // zero point and lower bound -128, no upper bound but 127: bytes from 0 to 255, less 128
};

// The kind of epilogue.
struct WindowEpilogue {
    bool small;  // see sums_are_small()
    Rounding rounding = Rounding::bytes;
    bool result_first = false;  // of the two that are added
    bool in_float = false;      // they are added before they are rounded
    bool constant = false;      // one of each channel is added
};

// A sum, its bias included, to a float, times its multiplier.
template <bool kSmall>
__device__ __forceinline__ float scaled(int32_t sum, float multiplier) {
    const float value =
        kSmall ? plus(__uint_as_float(static_cast<uint32_t>(sum)), -kRoundingShift) : __int2float_rn(sum);
    return multiply(value, multiplier);
}

// Four results as a word.
template <Rounding kRounding>
__device__ __forceinline__ uint32_t requantized(const float (&values)[4], const OutputRange& range) {
    if constexpr (kRounding == Rounding::clamped) {
        return pack(quantize(values[0], range), quantize(values[1], range), quantize(values[2], range),
                    quantize(values[3], range));
    } else if constexpr (kRounding == Rounding::unsigned_) {
        return round_and_pack_unsigned(values) ^ kByteBias;
    } else {
        float bounded[4];
#pragma unroll
        for (int n = 0; n < 4; ++n) bounded[n] = fmaxf(values[n], range.low);
        if constexpr (kRounding == Rounding::bytes) {
            return round_and_pack(bounded);
        } else {
            int32_t r[4];
            // Bits of positive floats are ordered like the floats; what is bounded is far above -2^23.
#pragma unroll
            for (int n = 0; n < 4; ++n) r[n] = rounded_bits(bounded[n]) + range.shift;
            return pack_saturated(r[0], r[1], r[2], r[3]);
        }
    }
}

// A value in a register of its own: the compiler would fetch the same value again before each of its uses. By
// whole warps.
__device__ __forceinline__ float held(float value) {
    return __uint_as_float(__float_as_uint(value) & __activemask());  // all lanes are active
}

// What added() takes, in registers.
struct HeldAddition {
    float of_result, of_256_results, of_r, f, least, most, result_origin, result_origin_in_256, r_origin;
    uint32_t mantissa;  // of 2^23, for bytes to floats

    __device__ explicit HeldAddition(const WindowAddition& a)
        : of_result(held(a.of_result)),
          of_256_results(held(multiply(a.of_result, 256.0f))),
          of_r(held(a.of_r)),
          f(held(a.f)),
          least(held(a.least)),
          most(held(a.most)),
          result_origin(held(a.result_origin)),
          result_origin_in_256(held(a.result_origin / 256)),
          r_origin(held(a.r_origin)),
          mantissa(0x4B000000u & __activemask()) {}
};

// Four results and their residual.
template <WindowEpilogue kEpilogue>
__device__ __forceinline__ uint32_t added(const float (&values)[4], uint32_t r_word, const HeldAddition& a) {
    constexpr bool kUnsigned = kEpilogue.rounding == Rounding::unsigned_;
    constexpr bool kSaturates = kEpilogue.small && kUnsigned;  // the lower bound is that of a byte
    const float of_result = kSaturates ? a.of_256_results : a.of_result;
    const uint32_t biased = r_word ^ kByteBias;
    float sums[4];
#pragma unroll
    for (int n = 0; n < 4; ++n) {
        float result;
        if constexpr (kSaturates) {
            const float rounded = plus(fminf(values[n], a.most), kRoundingShift);
            result = __saturatef(fused_multiply_add(rounded, 1.0f / 256, a.result_origin_in_256));
        } else {
            const float clamped = fminf(fmaxf(values[n], a.least), a.most);
            result = plus(plus(clamped, kRoundingShift), a.result_origin);
        }
        // The highest of bytes from 0 to 255 takes but one instruction.
        const float r =
            kUnsigned && n == 3
                ? __uint2float_rn(biased >> 24)
                : plus(__uint_as_float(__byte_perm(biased, a.mantissa, 0x7440u | n)), -a.r_origin);
        sums[n] = kEpilogue.result_first
                      ? fused_multiply_add(result, of_result, fused_multiply_add(r, a.of_r, a.f))
                      : fused_multiply_add(r, a.of_r, fused_multiply_add(result, of_result, a.f));
    }
    if constexpr (kUnsigned)
        return round_and_pack_unsigned(sums) ^ kByteBias;
    else
        return round_and_pack(sums);
}

// Four results, not rounded yet, and their residual.
__device__ __forceinline__ uint32_t added_in_float(const float (&values)[4], uint32_t r_word,
                                                   const WindowAddition& a, const OutputRange& range) {
    uint32_t y[4];
#pragma unroll
    for (int n = 0; n < 4; ++n) {
        const float r = multiply(byte_to_float(r_word ^ kByteBias, n, a.r_origin), a.of_r);
        // The divisor takes quotients of up to 2^9: larger ones exceed all bounds of y. NaN becomes the
        // least.
        const float sum = fminf(fmaxf(plus(values[n], r), a.least), a.most);
        y[n] = quantize(a.scale.quotient(sum), range);
    }
    return pack(y[0], y[1], y[2], y[3]);
}

// Four scaled sums to results, as a word; r_word: their residual, or their channels' constants.
template <class S, WindowEpilogue kEpilogue>
__device__ __forceinline__ uint32_t ended(const float (&values)[4], uint32_t r_word, const OutputRange& range,
                                          const WindowAddition& addition, const HeldAddition& held) {
    if constexpr (kEpilogue.in_float)
        return added_in_float(values, r_word, addition, range);
    else if constexpr (S::kAdds || kEpilogue.constant)
        return added<kEpilogue>(values, r_word, held);
    else
        return requantized<kEpilogue.rounding>(values, range);
}

// A lane's results of two pixels, of one group of columns; they replace the residual in `v`. Multipliers lie
// in the order of bias_place().
template <class S, WindowEpilogue kEpilogue>
__device__ __forceinline__ void end_sums(const int32_t (&acc)[S::kColumns / 2], int group,
                                         const float* multiplier, const OutputRange& range,
                                         const WindowAddition& addition, const HeldAddition& held,
                                         LaneVector<S::kWords> (&v)[2]) {
    const auto* multipliers = reinterpret_cast<const float4*>(multiplier) + threadIdx.x % 4;
#pragma unroll
    for (int word = 0; word < S::kWords; ++word) {
        const float4 m = multipliers[group * S::kLaneGroup / 4 + word * 4];
        const int octet = group * S::kLaneGroup / 8 + word * 2;
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const float values[4] = {scaled<kEpilogue.small>(acc[octet * 4 + half * 2], m.x),
                                     scaled<kEpilogue.small>(acc[octet * 4 + half * 2 + 1], m.y),
                                     scaled<kEpilogue.small>(acc[octet * 4 + half * 2 + 4], m.z),
                                     scaled<kEpilogue.small>(acc[octet * 4 + half * 2 + 5], m.w)};
            v[half].word[word] = ended<S, kEpilogue>(values, v[half].word[word], range, addition, held);
        }
    }
}

// As end_sums(), of results that pass a function.
template <class S, WindowEpilogue kEpilogue>
__device__ __forceinline__ void end_function(const int32_t (&acc)[S::kColumns / 2], int group,
                                             const Window& g, const WindowShared& shared,
                                             const OutputRange& range, const WindowAddition& addition,
                                             LaneVector<S::kWords> (&v)[2]) {
    if constexpr (kEpilogue.constant) {
        const uint32_t* const constant =
            shared.constant + (group * S::kLaneGroup + threadIdx.x % 4 * (S::kLaneGroup / 4)) / 4;
#pragma unroll
        for (int word = 0; word < S::kWords; ++word) v[0].word[word] = v[1].word[word] = constant[word];
    }
    end_sums<S, kEpilogue>(acc, group, shared.multiplier, range, addition, HeldAddition(addition), v);
    // One branch for all of them, whose lookups then overlap.
    if (!kEpilogue.constant || g.looks_up)
#pragma unroll
        for (int half = 0; half < 2; ++half)
#pragma unroll
            for (uint32_t& word : v[half].word) word = shared.table->look_up(word);
}

// Calls `end` with the epilogue of results that are rounded, and nothing else.
template <class End>
__device__ __forceinline__ void with_rounding(bool small, const OutputRange& range, const End& end) {
    constexpr auto kShifted = Rounding::shifted, kBytes = Rounding::bytes, kUnsigned = Rounding::unsigned_;
    const auto choose = [&]<bool kSmall>() {
        if (range.is_unsigned())
            end.template operator()<WindowEpilogue{kSmall, kUnsigned}>();
        else if (range.zero_point() == 0)
            end.template operator()<WindowEpilogue{kSmall, kBytes}>();
        else
            end.template operator()<WindowEpilogue{kSmall, kShifted}>();
    };
    if (range.high < 127)
        end.template operator()<WindowEpilogue{false, Rounding::clamped}>();
    else
        small ? choose.template operator()<true>() : choose.template operator()<false>();
}

// The same of results with a residual.
template <class End>
__device__ __forceinline__ void with_addition(bool small, const WindowAddition& addition, const End& end) {
    const auto choose = [&]<bool kSmall, bool kResultFirst>() {
        if (addition.unsigned_)
            end.template operator()<WindowEpilogue{kSmall, Rounding::unsigned_, kResultFirst}>();
        else
            end.template operator()<WindowEpilogue{kSmall, Rounding::bytes, kResultFirst}>();
    };
    if (addition.in_float)
        small ? end.template operator()<WindowEpilogue{true, Rounding::clamped, false, true}>()
              : end.template operator()<WindowEpilogue{false, Rounding::clamped, false, true}>();
    else if (addition.result_first)
        small ? choose.template operator()<true, true>() : choose.template operator()<false, true>();
    else
        small ? choose.template operator()<true, false>() : choose.template operator()<false, false>();
}

// The same of results that pass a function.
template <class End>
__device__ __forceinline__ void with_function(const Window& g, bool small, const WindowAddition& addition,
                                              const End& end) {
    const auto choose = [&]<bool kResultFirst>() {
        if (addition.unsigned_)
            end.template operator()<WindowEpilogue{false, Rounding::unsigned_, kResultFirst, false, true}>();
        else
            end.template operator()<WindowEpilogue{false, Rounding::bytes, kResultFirst, false, true}>();
    };
    if (g.adds_constant)
        addition.result_first ? choose.template operator()<true>() : choose.template operator()<false>();
    else
        small ? end.template operator()<WindowEpilogue{true, Rounding::clamped}>()
              : end.template operator()<WindowEpilogue{false, Rounding::clamped}>();
}

// Calls `end` with the epilogue that fits.
template <class S, class End>
__device__ __forceinline__ void with_epilogue(const Window& g, bool small, const OutputRange& range,
                                              const WindowAddition& addition, const End& end) {
    if constexpr (S::kFunction)
        with_function(g, small, addition, end);
    else if constexpr (S::kAdds)
        with_addition(small, addition, end);
    else
        with_rounding(small, range, end);
}

}  // namespace qudnn::kernels
