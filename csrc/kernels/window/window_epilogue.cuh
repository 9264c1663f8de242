// From the sums of the kernel of window.h to its results.
#pragma once

#include "kernels/epilogue/epilogue_case.cuh"
#include "kernels/window/window_block.cuh"

namespace qudnn::kernels {

// An output pixel: its number in y, negative where the row of the matrix is none, and its kind.
struct WindowPixel {
    int place, kind = 0;

    __device__ WindowPixel(const Window& g, uint32_t row) {
        if (g.flat) {
            place = row < static_cast<uint32_t>(g.q) ? static_cast<int>(row) : -1;
            return;
        }
        const auto q = static_cast<int>(split(row, g.pitch)), p = static_cast<int>(split(row, g.lines));
        const auto n = static_cast<int>(row);
        const bool valid = q < g.q && p < g.p && n < g.images;
        const auto image = static_cast<int>(g.y.image), line = static_cast<int>(g.y.line);
        place = valid ? static_cast<int>(g.y.origin) + n * image + p * line + q : -1;
        if (valid && g.kinds > 1)
            kind = g.row_border.kind(p) * g.column_border.kinds() + g.column_border.kind(q);
    }
};

// How a result ends.
struct WindowEpilogue {
    bool small;                 // see sums_are_small()
    bool bounded;               // by more than -128 from below
    bool clamps;                // from above, too
    bool result_first = false;  // of the two that are added
    bool in_float = false;      // they are added before they are rounded
};

// A sum, its bias included, to a float, times its multiplier.
template <WindowEpilogue kEpilogue>
__device__ __forceinline__ float scaled(int32_t sum, float multiplier) {
    const float value = kEpilogue.small ? plus(__uint_as_float(static_cast<uint32_t>(sum)), -12582912.0f)
                                        : __int2float_rn(sum);
    return multiply(value, multiplier);
}

// Four results as a word.
template <WindowEpilogue kEpilogue>
__device__ __forceinline__ uint32_t requantized(const float (&values)[4], const OutputRange& range) {
    if constexpr (kEpilogue.clamps) {
        return pack(quantize(values[0], range), quantize(values[1], range), quantize(values[2], range),
                    quantize(values[3], range));
    } else {
        int32_t r[4];
#pragma unroll
        for (int n = 0; n < 4; ++n) {
            const float value = kEpilogue.bounded ? fmaxf(values[n], range.low) : values[n];
            // Bits of positive floats are ordered like the floats; what is small is far above -2^23.
            r[n] = static_cast<int32_t>(float_bits(plus(value, 12582912.0f))) + range.shift;
        }
        return pack_saturated(r[0], r[1], r[2], r[3]);
    }
}

// Four results and what is added to them.
template <WindowEpilogue kEpilogue>
__device__ __forceinline__ uint32_t added(const float (&values)[4], uint32_t r_word,
                                          const WindowAddition& a) {
    int32_t sums[4];
#pragma unroll
    for (int n = 0; n < 4; ++n) {
        const float clamped = fminf(fmaxf(values[n], a.least), a.most);
        const float result = plus(plus(clamped, 12582912.0f), a.result_origin);
        const float r = byte_to_float(r_word ^ kByteBias, n, a.r_origin);
        const float sum = kEpilogue.result_first
                              ? fused_multiply_add(result, a.of_result, fused_multiply_add(r, a.of_r, a.f))
                              : fused_multiply_add(r, a.of_r, fused_multiply_add(result, a.of_result, a.f));
        sums[n] = static_cast<int32_t>(float_bits(plus(sum, 12582912.0f))) + a.shift;
    }
    return pack_saturated(sums[0], sums[1], sums[2], sums[3]);
}

// Four results, not rounded yet, and what is added to them.
__device__ __forceinline__ uint32_t added_in_float(const float (&values)[4], uint32_t r_word,
                                                   const WindowAddition& a, const OutputRange& range) {
    uint32_t y[4];
#pragma unroll
    for (int n = 0; n < 4; ++n) {
        const float r = multiply(byte_to_float(r_word ^ kByteBias, n, a.r_origin), a.of_r);
        // The divisor takes quotients of up to 2^9: what lies beyond is beyond all bounds of y. NaN becomes
        // the least.
        const float sum = fminf(fmaxf(plus(values[n], r), a.least), a.most);
        y[n] = quantize(a.scale.quotient(sum), range);
    }
    return pack(y[0], y[1], y[2], y[3]);
}

// Stores a lane's results of 64 rows, those of two pixels.
template <class S, WindowEpilogue kEpilogue>
__device__ __forceinline__ void store_results(const Window& g, const int32_t (&acc)[S::kColumns / 2],
                                              const WindowShared& shared, const OutputRange& range,
                                              const WindowAddition& addition,
                                              const LaneVector<S::kWords> (&residual)[2][S::kLaneGroups],
                                              const int (&pixel)[2], int first, int8_t* y) {
    const int t = threadIdx.x % 4;
    const auto* multipliers = reinterpret_cast<const float4*>(shared.multiplier) + t;
#pragma unroll
    for (int group = 0; group < S::kLaneGroups; ++group) {
        LaneVector<S::kWords> v[2];
#pragma unroll
        for (int word = 0; word < S::kWords; ++word) {
            const float4 m = multipliers[group * S::kLaneGroup / 4 + word * 4];
            const int octet = group * S::kLaneGroup / 8 + word * 2;
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const float values[4] = {scaled<kEpilogue>(acc[octet * 4 + half * 2], m.x),
                                         scaled<kEpilogue>(acc[octet * 4 + half * 2 + 1], m.y),
                                         scaled<kEpilogue>(acc[octet * 4 + half * 2 + 4], m.z),
                                         scaled<kEpilogue>(acc[octet * 4 + half * 2 + 5], m.w)};
                if constexpr (kEpilogue.in_float)
                    v[half].word[word] =
                        added_in_float(values, residual[half][group].word[word], addition, range);
                else if constexpr (S::kAdds)
                    v[half].word[word] = added<kEpilogue>(values, residual[half][group].word[word], addition);
                else
                    v[half].word[word] = requantized<kEpilogue>(values, range);
            }
        }
        const int column = first + group * S::kLaneGroup + t * (S::kLaneGroup / 4);
#pragma unroll
        for (int half = 0; half < 2; ++half)
            if (pixel[half] >= 0 && column < g.k)
                v[half].write(y + static_cast<int64_t>(pixel[half]) * g.k + column);
    }
}

}  // namespace qudnn::kernels
