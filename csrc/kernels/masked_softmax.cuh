// The softmax of attention by rows: what masked_softmax.h computes.
#pragma once

#include "kernels/common.cuh"
#include "kernels/divisor.cuh"
#include "kernels/masked_softmax.h"

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

    __device__ const float* mask_row(const float* mask, uint32_t row) const {
        uint32_t mask_row = 0;
        for (int d = rank - 1; d > 0; --d) mask_row += split(row, extent[d]) * mask_stride[d];
        return mask + int64_t{mask_row + row * mask_stride[0]} * mask_channels;
    }

    // Four channels of a row as they go into the softmax; beyond the end minus infinity.
    __device__ void load(float (&r)[4], const int8_t* row, const float* mask, int first) const {
        const int valid = channels - first;
        if (valid <= 0) {
#pragma unroll
            for (float& value : r) value = -INFINITY;
            return;
        }
        uint32_t word = 0;
        if (x_words && valid >= 4) {
            word = *reinterpret_cast<const uint32_t*>(row + first);
        } else {
#pragma unroll
            for (int i = 0; i < 4; ++i)
                if (i < valid) word |= static_cast<uint32_t>(static_cast<uint8_t>(row[first + i])) << (8 * i);
        }
        float addends[4];
        if (mask_vectors && valid >= 4) {
            const float4 v = *reinterpret_cast<const float4*>(mask + first);
            addends[0] = v.x, addends[1] = v.y, addends[2] = v.z, addends[3] = v.w;
        } else {
#pragma unroll
            for (int i = 0; i < 4; ++i)
                addends[i] = i < valid ? mask[int64_t{first + i} * mask_step] : -INFINITY;
        }
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i)
            r[i] = fused_multiply_add(byte_to_float(word ^ kByteBias, i, origin), scale, addends[i]);
    }

    __device__ void store(int8_t* row, int first, uint32_t word) const {
        word &= first_bytes(channels - first);
        if (y_words) {
            *reinterpret_cast<uint32_t*>(row + first) = word;
            return;
        }
        for (int i = 0; i < 4; ++i)
            if (first + i < y_stride) row[first + i] = static_cast<int8_t>(word >> (8 * i));
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

// By a warp, which may write y over x. The row stays in registers where it has up to 128 * kWords channels,
// and is computed anew for each step where it has more; kWords changes no bit.
template <int kWords>
__device__ void masked_softmax_row(const MaskedSoftmax& k, const int8_t* x, const float* mask, int8_t* y) {
    constexpr unsigned kAll = 0xFFFFFFFFu;
    constexpr int kWarpChannels = 128, kChunk = kWarpChannels * kWords;
    const int lane = threadIdx.x % 32;
    const bool kept = k.channels <= kChunk;
    float r[kWords][4];
    const auto load = [&](int chunk) {
#pragma unroll
        for (int w = 0; w < kWords; ++w) k.load(r[w], x, mask, chunk + w * kWarpChannels + lane * 4);
    };

    float maximum = -INFINITY;
    for (int chunk = 0; chunk < k.channels; chunk += kChunk) {
        load(chunk);
#pragma unroll
        for (const auto& values : r)
#pragma unroll
            for (const float value : values) maximum = fmaxf(maximum, value);
    }
#pragma unroll
    for (int other = 16; other > 0; other /= 2)
        maximum = fmaxf(maximum, __shfl_xor_sync(kAll, maximum, other));

    float sum = 0;
    for (int chunk = 0; chunk < k.channels; chunk += kChunk) {
        if (!kept) load(chunk);
#pragma unroll
        for (int w = 0; w < kWords; ++w) {
            if (chunk + w * kWarpChannels >= k.channels) break;
#pragma unroll
            for (float& value : r[w]) {
                value = exponential(value - maximum);
                sum += value;
            }
        }
    }
#pragma unroll
    for (int other = 16; other > 0; other /= 2) sum += __shfl_xor_sync(kAll, sum, other);

    const float multiplier = k.ratio / sum;
    const bool is_nan = sum != sum;
    for (int chunk = 0; chunk < k.y_stride; chunk += kChunk) {
        if (!kept) load(chunk);
#pragma unroll
        for (int w = 0; w < kWords; ++w) {
            const int first = chunk + w * kWarpChannels + lane * 4;
            if (first >= k.y_stride) break;
            float results[4];
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                if (!kept) r[w][i] = exponential(r[w][i] - maximum);
                results[i] = fminf(r[w][i] * multiplier, k.high);
            }
            k.store(y, first, is_nan ? splat(-128) : round_to_bytes(results, k.shift));
        }
    }
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
