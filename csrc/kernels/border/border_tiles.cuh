// The kernels of border.h for channels that are first outside, as ONNX has them: what lies next to each other
// differs between the two sides.
#pragma once

#include "kernels/border/border.cuh"

namespace qudnn::kernels {

// --- 4 or 16 channels inside, kWords words: neighbouring threads have neighbouring pixels, so that whole
// lines of every plane outside are moved. A warp takes a segment of a row, whose place is computed once.
// kQuads: 1 for up to 4 channels outside, an image's, else 4.

template <int kQuads>
constexpr int kSegment = 32 * (4 / kQuads);

template <typename Convert, typename Index, int kQuads, int kWords>
__global__ void __launch_bounds__(kThreads)
    segments_kernel(Index count, const __grid_constant__ Border g, Convert given,
                    OutsidePointer<Convert> __restrict__ outside,
                    InsidePointer<Convert> __restrict__ inside) {
    const auto convert = given.prepared();
    using Words = std::conditional_t<kWords == 4, uint4, uint32_t>;
    using Place = std::make_signed_t<Index>;
    constexpr int kUnroll = 4 / kQuads, kWarps = kThreads / 32;
    const int channels = static_cast<int>(g.channels);
    const auto width = static_cast<Place>(g.inside[2]);
    const auto segments = static_cast<Index>((g.inside[2] + kSegment<kQuads> - 1) / kSegment<kQuads>);
    for (Index i = static_cast<Index>(blockIdx.x) * kWarps + threadIdx.x / 32; i < count;
         i += static_cast<Index>(gridDim.x) * kWarps) {
        const Index row = i / segments, image = row / static_cast<Index>(g.inside[1]);
        const int64_t n = static_cast<int64_t>(image) - g.before[0];
        const int64_t h = static_cast<int64_t>(row - image * static_cast<Index>(g.inside[1])) - g.before[1];
        const bool row_valid = n >= 0 && n < g.extent[0] && h >= 0 && h < g.extent[1];
        const Place first = static_cast<Place>(i - row * segments) * kSegment<kQuads> + threadIdx.x % 32;
        auto* const outside_row = outside + (n * g.stride[0] + h * g.stride[1]);
        auto* const inside_row =
            reinterpret_cast<std::conditional_t<Convert::kEnter, Words, const Words>*>(inside) +
            static_cast<int64_t>(row) * g.inside[2];
        Quad<typename Convert::Outside> quads[kUnroll][kQuads];
        int valid[kUnroll];  // channels to move
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            const Place w = first + u * 32 - static_cast<Place>(g.before[2]);
            const bool moved = row_valid && first + u * 32 < width && w >= 0 && w < g.extent[2];
            valid[u] = moved ? channels : 0;
            auto* const pixel = outside_row + w * g.stride[2];
            if constexpr (Convert::kEnter) {
#pragma unroll
                for (int q = 0; q < kQuads; ++q)
                    quads[u][q].load(pixel + q * 4 * g.channel_stride, g.channel_stride, 0,
                                     min(valid[u] - q * 4, 4), false);
            } else if (moved) {
                uint32_t words[4];
                if constexpr (kWords == 4) {
                    const uint4 v = inside_row[first + u * 32];
                    words[0] = v.x, words[1] = v.y, words[2] = v.z, words[3] = v.w;
                } else {
                    words[0] = inside_row[first + u * 32];
                }
#pragma unroll
                for (int q = 0; q < kQuads; ++q)
                    convert.outward(words[q]).store(pixel + q * 4 * g.channel_stride, g.channel_stride, 0,
                                                    min(channels - q * 4, 4), false);
            }
        }
        if constexpr (Convert::kEnter) {
#pragma unroll
            for (int u = 0; u < kUnroll; ++u) {
                if (first + u * 32 >= width) break;
                uint32_t words[4] = {convert.fill, convert.fill, convert.fill, convert.fill};
#pragma unroll
                for (int q = 0; q < kQuads; ++q)
                    words[q] = inward(convert, quads[u][q], 0, min(valid[u] - q * 4, 4));
                if constexpr (kWords == 4)
                    inside_row[first + u * 32] = {words[0], words[1], words[2], words[3]};
                else
                    inside_row[first + u * 32] = words[0];
            }
        }
    }
}

// --- Pixels contiguous outside, channels inside: 64 pixels of a row x 64 channels through shared memory.

constexpr int kBorderTile = 64;

__device__ inline int clamp_to_quad(int64_t i) {
    return static_cast<int>(min(max(i, int64_t{0}), int64_t{4}));
}

template <typename Convert>
__global__ void __launch_bounds__(kThreads)
    tiles_kernel(uint32_t tiles, const __grid_constant__ Border g, bool vector, Convert given,
                 OutsidePointer<Convert> __restrict__ outside, InsidePointer<Convert> __restrict__ inside) {
    const auto convert = given.prepared();
    __shared__ uint32_t words[kBorderTile][kBorderTile / 4 + 1];  // by pixel and quad of channels
    const auto channel_tiles = static_cast<uint32_t>((g.channels_inside + kBorderTile - 1) / kBorderTile);
    const auto pixel_tiles = static_cast<uint32_t>((g.inside[2] + kBorderTile - 1) / kBorderTile);
    const auto height = static_cast<uint32_t>(g.inside[1]);
    for (uint32_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        const uint32_t strip = tile / channel_tiles, row = strip / pixel_tiles, image = row / height;
        const int64_t channel0 = int64_t{tile - strip * channel_tiles} * kBorderTile;
        const int64_t pixel0 = int64_t{strip - row * pixel_tiles} * kBorderTile;

        // This thread's 4 x 4 block on the outside: channels from `channel` on, columns from `column` on.
        const int quad = threadIdx.x / 16, pixel = threadIdx.x % 16 * 4;
        const int64_t channel = channel0 + quad * 4, column = pixel0 + pixel - g.before[2];
        const int64_t i = int64_t{image} - g.before[0], h = int64_t{row - image * height} - g.before[1];
        const bool valid = i >= 0 && i < g.extent[0] && h >= 0 && h < g.extent[1];
        const int first = clamp_to_quad(-column), last = valid ? clamp_to_quad(g.extent[2] - column) : 0;
        auto* block = outside + i * g.stride[0] + h * g.stride[1] + column + channel * g.channel_stride;

        // And its 16 channels of a pixel on the inside.
        const int inside_pixel = threadIdx.x / 4, inside_quad = threadIdx.x % 4 * 4;
        const bool inside_valid =
            pixel0 + inside_pixel < g.inside[2] && channel0 + inside_quad * 4 < g.channels_inside;
        auto* vector16 = inside + (int64_t{row} * g.inside[2] + pixel0 + inside_pixel) * g.channels_inside +
                         channel0 + inside_quad * 4;
        uint32_t m[4];
        if constexpr (Convert::kEnter) {
            Quad<typename Convert::Outside> quads[4];
#pragma unroll
            for (int c = 0; c < 4; ++c)
                quads[c].load(block + c * g.channel_stride, 1, first, channel + c < g.channels ? last : 0,
                              vector);
#pragma unroll
            for (int c = 0; c < 4; ++c)
                m[c] = inward(convert, quads[c], first, channel + c < g.channels ? last : 0);
            transpose_bytes(m);
#pragma unroll
            for (int p = 0; p < 4; ++p) words[pixel + p][quad] = m[p];
            __syncthreads();
            const uint32_t* source = &words[inside_pixel][inside_quad];
            if (inside_valid)
                *reinterpret_cast<uint4*>(vector16) = {source[0], source[1], source[2], source[3]};
        } else {
            if (inside_valid) {
                const uint4 v = *reinterpret_cast<const uint4*>(vector16);
                uint32_t* target = &words[inside_pixel][inside_quad];
                target[0] = v.x, target[1] = v.y, target[2] = v.z, target[3] = v.w;
            }
            __syncthreads();
#pragma unroll
            for (int p = 0; p < 4; ++p) m[p] = words[pixel + p][quad];
            transpose_bytes(m);
#pragma unroll
            for (int c = 0; c < 4; ++c)
                convert.outward(m[c]).store(block + c * g.channel_stride, 1, first,
                                            channel + c < g.channels ? last : 0, vector);
        }
        __syncthreads();
    }
}

}  // namespace qudnn::kernels
