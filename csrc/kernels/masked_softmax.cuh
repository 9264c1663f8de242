// The softmax of attention by rows: what masked_softmax.h computes.
#pragma once

#include "kernels/divisor.cuh"
#include "kernels/float_divisor.cuh"
#include "kernels/masked_softmax.h"

namespace qudnn::kernels {

// What the rows need of a problem.
struct MaskedSoftmax {
    uint32_t rows;
    int rank;
    Divisor<uint32_t> extent[kMaxBroadcastRank];
    int64_t mask_stride[kMaxBroadcastRank];  // of floats
    int channels, x_stride, y_stride, mask_step;
    bool x_words, y_words, mask_vectors;  // all rows are aligned
    float origin;                         // of biased bytes: the zero point
    float x_scale, factor, y_scale;
    FloatDivisor divisor;
    OutputRange range;

    __device__ const float* mask_row(const float* mask, uint32_t row) const {
        for (int d = rank - 1; d >= 0; --d) mask += split(row, extent[d]) * mask_stride[d];
        return mask;
    }

    // Four channels of a row as they go into the softmax; beyond the end minus infinity.
    __device__ void load(float* r, const int8_t* row, const float* mask, int first) const {
        uint32_t word = 0;
        float4 masks = {};
        if (x_words && first + 4 <= channels) {
            word = *reinterpret_cast<const uint32_t*>(row + first);
        } else {
            for (int i = 0; i < 4; ++i)
                if (first + i < channels)
                    word |= static_cast<uint32_t>(static_cast<uint8_t>(row[first + i])) << (8 * i);
        }
        if (mask_vectors && first + 4 <= channels) {
            masks = *reinterpret_cast<const float4*>(mask + first);
        } else {
            float each[4] = {};
            for (int i = 0; i < 4; ++i)
                if (first + i < channels) each[i] = mask[int64_t{first + i} * mask_step];
            masks = {each[0], each[1], each[2], each[3]};
        }
        const float addends[4] = {masks.x, masks.y, masks.z, masks.w};
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) {
            const float value = multiply(byte_to_float(word ^ kByteBias, i, origin), x_scale);
            const float scaled = divisor.quotient(multiply(value, factor));
            r[i] = first + static_cast<int>(i) < channels ? plus(scaled, addends[i]) : -INFINITY;
        }
    }

    __device__ void store(int8_t* row, int first, const uint32_t (&y)[4]) const {
        uint32_t word = pack(y[0], y[1], y[2], y[3]);
        const int valid = channels - first;
        if (valid < 4) word &= valid > 0 ? (1u << (8 * valid)) - 1 : 0;
        if (y_words) {
            *reinterpret_cast<uint32_t*>(row + first) = word;
            return;
        }
        for (int i = 0; i < 4; ++i)
            if (first + i < y_stride) row[first + i] = static_cast<int8_t>(word >> (8 * i));
    }
};

// By a warp, which may write y over x. The row stays in registers where it has up to 128 * kWords channels,
// and is computed anew for each step where it has more; kWords changes no bit.
template <int kWords>
__device__ void masked_softmax_row(const MaskedSoftmax& k, const int8_t* x, const float* mask, int8_t* y) {
    constexpr unsigned kAll = 0xFFFFFFFFu;
    constexpr int kChunk = 128 * kWords;
    const int lane = threadIdx.x % 32;
    const bool kept = k.channels <= kChunk;
    float r[kWords * 4];
    const auto load = [&](int chunk) {
#pragma unroll
        for (int w = 0; w < kWords; ++w) k.load(r + 4 * w, x, mask, chunk + (w * 32 + lane) * 4);
    };

    float maximum = -INFINITY;
    for (int chunk = 0; chunk < k.channels; chunk += kChunk) {
        load(chunk);
#pragma unroll
        for (const float value : r) maximum = fmaxf(maximum, value);
    }
#pragma unroll
    for (int other = 16; other > 0; other /= 2)
        maximum = fmaxf(maximum, __shfl_xor_sync(kAll, maximum, other));

    float sum = 0;
    for (int chunk = 0; chunk < k.channels; chunk += kChunk) {
        if (!kept) load(chunk);
#pragma unroll
        for (float& value : r) {
            value = __expf(value - maximum);
            sum += value;
        }
    }
#pragma unroll
    for (int other = 16; other > 0; other /= 2) sum += __shfl_xor_sync(kAll, sum, other);

    const float inverse = 1.0f / sum, ratio = 1.0f / k.y_scale;
    for (int chunk = 0; chunk < k.y_stride; chunk += kChunk) {
        if (!kept) load(chunk);
#pragma unroll
        for (int w = 0; w < kWords; ++w) {
            const int first = chunk + (w * 32 + lane) * 4;
            if (first >= k.y_stride) break;
            uint32_t results[4];
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                float& value = r[4 * w + i];
                if (!kept) value = __expf(value - maximum);
                results[i] = quantize(value * inverse * ratio, k.range);
            }
            k.store(y, first, results);
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
                    .channels = static_cast<int>(g.channels),
                    .x_stride = static_cast<int>(g.x_stride),
                    .y_stride = static_cast<int>(g.y_stride),
                    .mask_step = g.mask_channels == 1 ? 0 : 1,
                    .x_words = g.x_stride % 4 == 0 && aligned(x, 4),
                    .y_words = g.y_stride % 4 == 0 && aligned(y, 4),
                    .mask_vectors = g.mask_channels > 1 && g.mask_channels % 4 == 0 && aligned(mask, 16),
                    .origin = byte_origin(s.x_zero_point),
                    .x_scale = s.x_scale,
                    .factor = s.factor,
                    .y_scale = s.y_scale,
                    .divisor = FloatDivisor(s.divisor),
                    .range = OutputRange(s.y_zero_point)};
    for (int d = 0; d < g.rows.rank; ++d) {
        k.extent[d] = Divisor<uint32_t>(g.rows.extent[d]);
        k.mask_stride[d] = g.rows.stride[0][d] * g.mask_channels;
    }
    return k;
}

}  // namespace qudnn::kernels
