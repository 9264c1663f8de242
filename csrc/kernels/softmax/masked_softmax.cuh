// The softmax of attention by rows: what masked_softmax.h computes.
#pragma once

#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"
#include "kernels/common/row_reduction.cuh"
#include "kernels/softmax/masked_softmax.h"

namespace qudnn::kernels {

// What the rows need of a problem.
struct MaskedSoftmax {
    uint32_t rows;
    int rank;
    Divisor<uint32_t> extent[kMaxBroadcastRank];
    uint32_t mask_stride[kMaxBroadcastRank];  // of rows of the mask
    int mask_channels;
    int channels, x_stride, y_stride, mask_step;
    bool x_words, y_words, mask_vectors;  // all rows are aligned
    float origin;                         // of biased bytes: the zero point
    float scale;                          // of x, with factor and divisor
    float ratio;                          // 1 / y_scale
    float high;                           // the largest result, before the zero point is added
    int32_t shift;                        // OutputRange's

    // Which row of the mask belongs to a row, and where it is.
    __device__ uint32_t mask_row(uint32_t row) const {
        uint32_t mask_row = 0;
        for (int d = rank - 1; d > 0; --d) mask_row += split(row, extent[d]) * mask_stride[d];
        return mask_row + row * mask_stride[0];
    }
    __device__ const float* at(const float* mask, uint32_t mask_row) const {
        return mask + int64_t{mask_row} * mask_channels;
    }

    // Four channels of a row; kWords: rows are aligned.
    template <bool kWords>
    __device__ uint32_t scores(const int8_t* row, int first) const {
        const int valid = channels - first;
        uint32_t word = 0;
        if constexpr (!kWords) {
            if (!x_words) {
#pragma unroll
                for (int i = 0; i < 4; ++i)
                    if (i < valid) word |= uint32_t{static_cast<uint8_t>(row[first + i])} << (8 * i);
                return word;
            }
        }
        if (valid > 0) word = *reinterpret_cast<const uint32_t*>(row + first);
        return word;
    }

    // What is added to them: beyond the end minus infinity. kVectors: mask_vectors.
    template <bool kVectors>
    __device__ void load_mask(float (&addends)[4], const float* mask, int first) const {
        const int valid = channels - first;
        float4 v = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
        if constexpr (kVectors) {
            if (valid > 0) v = *reinterpret_cast<const float4*>(mask + first);
        } else {
            const float* const source = mask + int64_t{first} * mask_step;
            if (valid > 0) v.x = source[0];
            if (valid > 1) v.y = source[mask_step];
            if (valid > 2) v.z = source[2 * mask_step];
            if (valid > 3) v.w = source[3 * mask_step];
        }
        addends[0] = v.x, addends[1] = v.y, addends[2] = v.z, addends[3] = v.w;
    }

    // Both together, as they go into the softmax.
    __device__ void add_scores(float (&r)[4], uint32_t word) const {
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i)
            r[i] = fused_multiply_add(byte_to_float(word ^ kByteBias, i, origin), scale, r[i]);
    }

    template <bool kWords>
    __device__ void store(int8_t* row, int first, uint32_t word) const {
        word &= first_bytes(channels - first);
        if constexpr (!kWords) {
            if (!y_words) {
                for (int i = 0; i < 4; ++i)
                    if (first + i < y_stride) row[first + i] = static_cast<int8_t>(word >> (8 * i));
                return;
            }
        }
        *reinterpret_cast<uint32_t*>(row + first) = word;
    }
};

// e^x in two units of the last place, numbers below 2^-126 as 0.
__device__ inline float exponential(float x) {
    const float power = x * 1.44269504f;
#ifdef __CUDA_ARCH__
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(power));
    return result;
#else
    return std::exp2(power);
#endif
}

// Rows of a warp, each at its own place in x, the mask and y, which may be x. `valid` of them are stored.
template <int kRows>
struct SoftmaxRows {
    const int8_t* x[kRows];
    const float* mask[kRows];
    int8_t* y[kRows];
    int valid;
};

// Up to 128 * kWords channels stay in registers, and are computed anew for each step where there are more.
// Only a row alone may have more, or lie at an address that is no multiple of 4. Neither kWords nor kRows
// changes a bit.
template <int kWords, int kRows>
__device__ void masked_softmax_of_rows(const MaskedSoftmax& k, const SoftmaxRows<kRows>& rows) {
    constexpr int kWarpChannels = 128, kChunk = kWarpChannels * kWords;
    constexpr bool kSeveral = kRows > 1;
    const int lane = threadIdx.x % 32;
    const bool kept = kSeveral || k.channels <= kChunk;
    const auto for_chunks = [&](int end, const auto& step) {
        for (int chunk = 0; chunk == 0 || (!kSeveral && chunk < end); chunk += kChunk) step(chunk);
    };
    float r[kRows][kWords][4];
    const auto load_masks = [&]<bool kVectors>(int chunk) {
#pragma unroll
        for (int i = 0; i < kRows; ++i)
#pragma unroll
            for (int w = 0; w < kWords; ++w)
                k.load_mask<kVectors>(r[i][w], rows.mask[i], chunk + w * kWarpChannels + lane * 4);
    };
    const auto load = [&](int chunk) {
        if (k.mask_vectors)
            load_masks.template operator()<true>(chunk);
        else
            load_masks.template operator()<false>(chunk);
        uint32_t scores[kRows][kWords];
#pragma unroll
        for (int i = 0; i < kRows; ++i)
#pragma unroll
            for (int w = 0; w < kWords; ++w)
                scores[i][w] = k.scores<kSeveral>(rows.x[i], chunk + w * kWarpChannels + lane * 4);
#pragma unroll
        for (int i = 0; i < kRows; ++i)
#pragma unroll
            for (int w = 0; w < kWords; ++w) k.add_scores(r[i][w], scores[i][w]);
    };

    float largest[kRows];
#pragma unroll
    for (float& mine : largest) mine = -INFINITY;
    for_chunks(k.channels, [&](int chunk) {
        load(chunk);
#pragma unroll
        for (int i = 0; i < kRows; ++i)
#pragma unroll
            for (const auto& values : r[i])
#pragma unroll
                for (const float value : values) largest[i] = fmaxf(largest[i], value);
    });
    const float my_maximum = reduce_rows(largest, [](float a, float b) { return fmaxf(a, b); });
    float maximum[kRows], sums[kRows] = {};
#pragma unroll
    for (int i = 0; i < kRows; ++i) maximum[i] = of_row<kRows>(i, my_maximum);

    for_chunks(k.channels, [&](int chunk) {
        if (!kept) load(chunk);
#pragma unroll
        for (int i = 0; i < kRows; ++i)
#pragma unroll
            for (int w = 0; w < kWords; ++w)
#pragma unroll
                for (float& value : r[i][w]) {
                    value = exponential(value - maximum[i]);
                    sums[i] += value;
                }
    });
    const float my_multiplier = k.ratio / reduce_rows(sums, [](float a, float b) { return a + b; });

    for_chunks(k.y_stride, [&](int chunk) {
        if (!kept) load(chunk);
#pragma unroll
        for (int i = 0; i < kRows; ++i) {
            const float multiplier = of_row<kRows>(i, my_multiplier);
#pragma unroll
            for (int w = 0; w < kWords; ++w) {
                const int first = chunk + w * kWarpChannels + lane * 4;
                float results[4];
#pragma unroll
                for (int c = 0; c < 4; ++c) {
                    if (!kept) r[i][w][c] = exponential(r[i][w][c] - maximum[i]);
                    results[c] = fminf(r[i][w][c] * multiplier, k.high);
                }
                const bool is_nan = multiplier != multiplier;
                if (i < rows.valid && first < k.y_stride)
                    k.store<kSeveral>(rows.y[i], first,
                                      is_nan ? splat(-128) : round_to_bytes(results, k.shift));
            }
        }
    });
}

// Whether rows and their strides can be counted with 32 bits.
inline bool narrow(const MaskedSoftmaxGeometry& g) {
    constexpr int kRoom = 1024;  // for the last step of a row's loops
    return narrow(g.rows.count()) && narrow(g.x_stride + kRoom) && narrow(g.y_stride + kRoom);
}

// Of a geometry that is narrow().
inline MaskedSoftmax masked_softmax_rows(const MaskedSoftmaxGeometry& g, const MaskedSoftmaxScales& s,
                                         const int8_t* x, const float* mask, const int8_t* y) {
    MaskedSoftmax k{.rows = static_cast<uint32_t>(g.rows.count()),
                    .rank = g.rows.rank,
                    .extent = {},
                    .mask_stride = {},
                    .mask_channels = static_cast<int>(g.mask_channels),
                    .channels = static_cast<int>(g.channels),
                    .x_stride = static_cast<int>(g.x_stride),
                    .y_stride = static_cast<int>(g.y_stride),
                    .mask_step = g.mask_channels == 1 ? 0 : 1,
                    .x_words = g.x_stride % 4 == 0 && aligned(x, 4),
                    .y_words = g.y_stride % 4 == 0 && aligned(y, 4),
                    .mask_vectors = g.mask_channels > 1 && g.mask_channels % 4 == 0 && aligned(mask, 16),
                    .origin = byte_origin(s.x_zero_point),
                    .scale = static_cast<float>(double{s.x_scale} * s.factor / s.divisor),
                    .ratio = 1.0f / s.y_scale,
                    .high = static_cast<float>(127 - s.y_zero_point),
                    .shift = OutputRange(s.y_zero_point).shift};
    for (int d = 0; d < g.rows.rank; ++d) {
        k.extent[d] = Divisor<uint32_t>(g.rows.extent[d]);
        k.mask_stride[d] = static_cast<uint32_t>(g.rows.stride[0][d]);
    }
    return k;
}

}  // namespace qudnn::kernels
