// The kernels of border.h for channels that are last outside, too, and for any other layout. Those for
// channels first are in border_tiles.cuh.
#pragma once

#include "kernels/border/border.h"
#include "kernels/border/border_values.cuh"

namespace qudnn::kernels {

// --- Geometry: at most three dims of pixels, then channels.

struct Border {
    int64_t inside[3], before[3], extent[3], stride[3];
    int64_t channels_inside, channels, channel_stride;

    // Where channel 0 of a pixel lies outside, -1 where it is padding.
    template <typename Index>
    __device__ int64_t locate(Index pixel) const {
        const Index row = pixel / static_cast<Index>(inside[2]), image = row / static_cast<Index>(inside[1]);
        const int64_t i = static_cast<int64_t>(image) - before[0];
        const int64_t h = static_cast<int64_t>(row - image * static_cast<Index>(inside[1])) - before[1];
        const int64_t w = static_cast<int64_t>(pixel - row * static_cast<Index>(inside[2])) - before[2];
        const bool valid = i >= 0 && i < extent[0] && h >= 0 && h < extent[1] && w >= 0 && w < extent[2];
        return valid ? i * stride[0] + h * stride[1] + w * stride[2] : -1;
    }
};

// --- Channels last outside too: 16 bytes or one element of the outside tensor per item.

template <typename Convert, typename Index, bool kVector>
__global__ void __launch_bounds__(kThreads)
    rows_kernel(Index count, const __grid_constant__ Border g, Convert given,
                OutsidePointer<Convert> __restrict__ outside, InsidePointer<Convert> __restrict__ inside) {
    const auto convert = given.prepared();
    constexpr int kUnit = kVector ? 16 / sizeof(typename Convert::Outside) : 1;
    constexpr int kQuads = (kUnit + 3) / 4, kUnroll = 4;
    constexpr int kValid = kVector ? 4 : 1;
    const Index units = static_cast<Index>(g.channels_inside) / kUnit;
    const Index stride = static_cast<Index>(gridDim.x) * (kThreads * kUnroll);
    for (Index start = static_cast<Index>(blockIdx.x) * (kThreads * kUnroll) + threadIdx.x; start < count;
         start += stride) {
        int64_t at[kUnroll];
        Quad<typename Convert::Outside> quads[kUnroll][kQuads];
        uint32_t words[kUnroll][kQuads];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            const Index i = start + u * kThreads, pixel = i / units;
            const int64_t channel = static_cast<int64_t>(i - pixel * units) * kUnit;
            at[u] = i < count && channel < g.channels ? g.locate(pixel) : -1;
            if (at[u] < 0) continue;
            at[u] += channel;
            if constexpr (Convert::kEnter) {
                if constexpr (kQuads == 4) {
                    const uint4 v = *reinterpret_cast<const uint4*>(outside + at[u]);
                    quads[u][0].word = v.x, quads[u][1].word = v.y, quads[u][2].word = v.z,
                    quads[u][3].word = v.w;
                } else {
                    quads[u][0].load(outside + at[u], 1, 0, kValid, kVector);
                }
            } else {
                const int8_t* source = inside + static_cast<int64_t>(i) * kUnit;
                if constexpr (kQuads == 4) {
                    const uint4 v = *reinterpret_cast<const uint4*>(source);
                    words[u][0] = v.x, words[u][1] = v.y, words[u][2] = v.z, words[u][3] = v.w;
                } else {
                    words[u][0] =
                        kVector ? *reinterpret_cast<const uint32_t*>(source) : static_cast<uint8_t>(*source);
                }
            }
        }
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            const Index i = start + u * kThreads;
            if constexpr (Convert::kEnter) {
                if (i >= count) continue;
#pragma unroll
                for (int q = 0; q < kQuads; ++q)
                    words[u][q] = at[u] < 0 ? convert.fill : convert.inward(quads[u][q]);
                int8_t* target = inside + static_cast<int64_t>(i) * kUnit;
                if constexpr (kQuads == 4)
                    *reinterpret_cast<uint4*>(target) = {words[u][0], words[u][1], words[u][2], words[u][3]};
                else if constexpr (kVector)
                    *reinterpret_cast<uint32_t*>(target) = words[u][0];
                else
                    *target = static_cast<int8_t>(words[u][0]);
            } else {
                if (at[u] < 0) continue;
                if constexpr (kQuads == 4) {
                    *reinterpret_cast<uint4*>(outside + at[u]) = {
                        convert.outward(words[u][0]).word, convert.outward(words[u][1]).word,
                        convert.outward(words[u][2]).word, convert.outward(words[u][3]).word};
                } else {
                    convert.outward(words[u][0]).store(outside + at[u], 1, 0, kValid, kVector);
                }
            }
        }
    }
}

// --- Anything else, element by element.

template <typename Convert>
__global__ void __launch_bounds__(kThreads)
    elements_kernel(int64_t count, const __grid_constant__ BorderGeometry g, Convert given,
                    OutsidePointer<Convert> __restrict__ outside,
                    InsidePointer<Convert> __restrict__ inside) {
    const auto convert = given.prepared();
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads) {
        int64_t rest = i, at = 0;
        bool valid = true;
        for (int d = g.rank - 1; d >= 0; --d) {
            const int64_t coordinate = rest % g.inside[d] - g.before[d];
            rest /= g.inside[d];
            valid = valid && coordinate >= 0 && coordinate < g.extent[d];
            at += coordinate * g.outside_stride[d];
        }
        if constexpr (Convert::kEnter) {
            Quad<typename Convert::Outside> q;
            q.load(outside + at, 1, 0, valid ? 1 : 0, false);
            inside[i] = static_cast<int8_t>(inward(convert, q, 0, valid ? 1 : 0));
        } else if (valid) {
            convert.outward(static_cast<uint8_t>(inside[i])).store(outside + at, 1, 0, 1, false);
        }
    }
}

}  // namespace qudnn::kernels
