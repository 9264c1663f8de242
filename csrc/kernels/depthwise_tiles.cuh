// Depthwise convolution on tensor cores: the products are there to be wasted.
//
// A product of 16 pixels x 32 bytes by 32 bytes x 8 channels takes 8 channels of 4 neighbouring pixels as its
// 32 bytes: what 4 taps of a filter row see, as it lies in memory. Of the filter's column for a channel all
// but that channel's 4 taps are 0. So 7/8 of the work is with zeros, and still it takes fewer instructions
// than gathering bytes for __dp4a would alone.
#pragma once

#include "kernels/ampere.cuh"
#include "kernels/common.cuh"
#include "kernels/conv.h"

namespace qudnn::kernels {

constexpr int kSlabChannels = 16;  // of a warp: what a lane loads at once
constexpr int kDepthwiseRows = 4;  // of products per warp
constexpr int kDepthwiseWarps = 4;

struct DepthwiseTiles {
    int h, w, c, p, q;
    int pad_top, pad_left;
    int slabs;                      // of 16 channels, per block
    int channel_blocks;             // blocks side by side
    int tile_rows, tile_columns;    // output pixels of a block, warps below each other
    int warp_rows;                  // of these per warp
    int lower_row, lower_column;    // from the pixel of a product's row i to that of row i + 8
    int tiles_down, tiles_over;     // per image
    int tiles, step;                // in all; from a block's tile to its next
    int patch_height, patch_width;  // input pixels that a tile sees
    int pitch;                      // from row to row of the patch, with those that only taps of 0 see
    uint32_t zero_point;            // in each byte

    __host__ __device__ int patch_pixels() const { return patch_height * pitch; }
};

// A block's tile: its image and first output pixel.
struct DepthwiseTile {
    int n, p, q;

    __device__ DepthwiseTile(const DepthwiseTiles& g, int tile) {
        const int row = tile / g.tiles_over;
        q = (tile - row * g.tiles_over) * g.tile_columns;
        n = row / g.tiles_down;
        p = (row - n * g.tiles_down) * g.tile_rows;
    }
};

// Starts copying the pixels that a tile sees, slab by slab; those outside the image are set. x: of the
// block's first channel, of which there are `channels`.
template <int kStride>
__device__ void copy_tile(const DepthwiseTiles& g, const DepthwiseTile& tile, const int8_t* x, int channels,
                          uint4* patch) {
    const int slab = static_cast<int>(threadIdx.x) % g.slabs, pixel = static_cast<int>(threadIdx.x) / g.slabs;
    if (slab * kSlabChannels >= channels) return;
    const int top = tile.p * kStride - g.pad_top, left = tile.q * kStride - g.pad_left;
    const int step = kDepthwiseWarps * 32 / g.slabs;
    const int row_step = step / g.patch_width, column_step = step - row_step * g.patch_width;
    int row = pixel / g.patch_width, column = pixel - row * g.patch_width;
    const int8_t* image = x + static_cast<int64_t>(tile.n) * g.h * g.w * g.c + slab * kSlabChannels;
    patch += slab * g.patch_pixels();
    while (row < g.patch_height) {
        const int h = top + row, w = left + column;
        uint4* target = patch + row * g.pitch + column;
        if (h >= 0 && h < g.h && w >= 0 && w < g.w)
            copy_async<4>(&target->x, image + (static_cast<int64_t>(h) * g.w + w) * g.c);
        else
            *target = {g.zero_point, g.zero_point, g.zero_point, g.zero_point};
        row += row_step;
        column += column_step;
        if (column >= g.patch_width) column -= g.patch_width, ++row;
    }
}

// A lane's columns of the filter, of two products side by side: product j takes quads of channels j and j
// + 2.
template <int kSize>
struct DepthwiseColumns {
    static constexpr int kSteps = (kSize + 3) / 4;  // per filter row
    uint32_t words[kSize][kSteps][2][2];

    // filter: of the warp's first channel.
    __device__ void load(const int8_t* filter) {
        const int lane = threadIdx.x % 32, column = lane / 4, tap = lane % 4;
#pragma unroll
        for (int j = 0; j < 2; ++j) {
            const int channel = (j + column / 4 * 2) * 4 + column % 4;
#pragma unroll
            for (int r = 0; r < kSize; ++r) {
#pragma unroll
                for (int i = 0; i < kSteps; ++i) {
                    const int s = i * 4 + tap;
                    const uint32_t byte =
                        s < kSize ? static_cast<uint8_t>(filter[(channel * kSize + r) * kSize + s]) : 0;
                    const uint32_t word = byte << column % 4 * 8;
                    words[r][i][j][0] = column < 4 ? word : 0;
                    words[r][i][j][1] = column < 4 ? 0 : word;
                }
            }
        }
    }
};

// A product's results for two channels of two pixels, requantized: the first pixel's in the low half.
template <bool kSmall>
__device__ uint32_t requantize_pairs(const int32_t (&acc)[4], float first, float second,
                                     const OutputRange& range) {
    return pack(requantize<kSmall>(acc[0], first, range), requantize<kSmall>(acc[1], second, range),
                requantize<kSmall>(acc[2], first, range), requantize<kSmall>(acc[3], second, range));
}

template <int kSize, int kStride>
__device__ __forceinline__ void run_depthwise_tiles(const DepthwiseTiles& g, const int8_t* __restrict__ x,
                                                    const int8_t* __restrict__ filter,
                                                    const Epilogue& epilogue, const OutputRange& range,
                                                    int8_t* __restrict__ y) {
    using Columns = DepthwiseColumns<kSize>;
    extern __shared__ __align__(16) uint32_t shared[];
    auto* const patches = reinterpret_cast<uint4*>(shared);
    const int patch_size = g.slabs * g.patch_pixels();
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row = lane / 4, t = lane % 4;
    const int slab = warp % g.slabs, warp_row = warp / g.slabs * g.warp_rows;

    const int first = static_cast<int>(blockIdx.x % g.channel_blocks) * g.slabs * kSlabChannels;
    const int channel = first + slab * kSlabChannels;
    const bool idle = channel >= g.c;  // as all of its warp
    int tile = static_cast<int>(blockIdx.x) / g.channel_blocks;
    auto copy = [&](int index, int buffer) {
        if (index < g.tiles)
            copy_tile<kStride>(g, DepthwiseTile(g, index), x + first, g.c - first,
                               patches + buffer * patch_size);
        commit_copies();
    };
    copy(tile, 0);

    Columns b;
    int32_t bias[2][2] = {};
    float multiplier[2][2] = {};
    bool small = true;
    if (!idle) {
        b.load(filter + channel * kSize * kSize);
        constexpr int32_t kMost = kSmallAccumulator - kSize * kSize * 128 * 128;
#pragma unroll
        for (int j = 0; j < 2; ++j)
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                const int k = channel + (j + t / 2 * 2) * 4 + t % 2 * 2 + i;
                bias[j][i] = epilogue.bias[k];
                multiplier[j][i] = epilogue.multiplier[k];
                small = small && bias[j][i] >= -kMost && bias[j][i] < kMost;
            }
    }
    small = __all_sync(~0u, small);
#pragma unroll
    for (int j = 0; j < 2; ++j)
#pragma unroll
        for (int i = 0; i < 2; ++i) bias[j][i] = small ? bias[j][i] + kSmallBias : bias[j][i];

    const int lower = g.lower_row * kStride * g.pitch + g.lower_column * kStride;
    for (int buffer = 0; tile < g.tiles; tile += g.step, buffer ^= 1) {
        copy(tile + g.step, buffer ^ 1);
        wait_for_copies<1>();
        __syncthreads();
        const DepthwiseTile place(g, tile);
        if (!idle && place.p + warp_row < g.p) {
            const uint4* upper_pixels = patches + buffer * patch_size + slab * g.patch_pixels() +
                                        warp_row * kStride * g.pitch + row * kStride + t;
            int32_t acc[kDepthwiseRows][2][4];
#pragma unroll
            for (int i = 0; i < kDepthwiseRows; ++i)
#pragma unroll
                for (int j = 0; j < 2; ++j)
#pragma unroll
                    for (int k = 0; k < 4; ++k) acc[i][j][k] = bias[j][k % 2];
#pragma unroll
            for (int h = 0; h < (kDepthwiseRows - 1) * kStride + kSize; ++h) {
#pragma unroll
                for (int s = 0; s < Columns::kSteps; ++s) {
                    const uint4 u = upper_pixels[s * 4], l = upper_pixels[lower + s * 4];
                    const uint32_t a[2][4] = {{u.x, l.x, u.z, l.z}, {u.y, l.y, u.w, l.w}};
#pragma unroll
                    for (int i = 0; i < kDepthwiseRows; ++i) {
                        const int r = h - i * kStride;
                        if (r < 0 || r >= kSize) continue;
#pragma unroll
                        for (int j = 0; j < 2; ++j) multiply_add(acc[i][j], a[j], b.words[r][s][j]);
                    }
                }
                upper_pixels += g.pitch;
            }

            // Lanes 2 i and 2 i + 1 have halves of the same two quads: each gets one of them whole.
            const bool odd = t % 2;
            const uint32_t first_half = odd ? 0x1054 : 0x5410, second_half = first_half + 0x2222;
            const int p = place.p + warp_row, q = place.q + row;
            const bool upper_inside = q < g.q, lower_inside = q + g.lower_column < g.q;
            int8_t* target =
                y + ((static_cast<int64_t>(place.n) * g.p + p) * g.q + q) * g.c + channel + t * 4;
            const int64_t row_size = static_cast<int64_t>(g.q) * g.c;
            const int64_t lower_target = g.lower_row * row_size + static_cast<int64_t>(g.lower_column) * g.c;
#pragma unroll
            for (int i = 0; i < kDepthwiseRows; ++i, target += row_size) {
                uint32_t words[2];
#pragma unroll
                for (int j = 0; j < 2; ++j)
                    words[j] =
                        small ? requantize_pairs<true>(acc[i][j], multiplier[j][0], multiplier[j][1], range)
                              : requantize_pairs<false>(acc[i][j], multiplier[j][0], multiplier[j][1], range);
                const uint32_t kept = odd ? words[1] : words[0];
                const uint32_t got = __shfl_xor_sync(~0u, odd ? words[0] : words[1], 1);
                if (p + i < g.p && upper_inside)
                    *reinterpret_cast<uint32_t*>(target) = __byte_perm(kept, got, first_half);
                if (p + i + g.lower_row < g.p && lower_inside)
                    *reinterpret_cast<uint32_t*>(target + lower_target) = __byte_perm(kept, got, second_half);
            }
        }
        __syncthreads();  // the patch is read
    }
}

// kBlocks share a multiprocessor, which bounds the registers.
template <int kSize, int kStride, int kBlocks>
__global__ void __launch_bounds__(kDepthwiseWarps * 32, kBlocks)
    depthwise_tiles_kernel(const __grid_constant__ DepthwiseTiles g, const int8_t* __restrict__ x,
                           const int8_t* __restrict__ filter, Epilogue epilogue, OutputRange range,
                           int8_t* __restrict__ y) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
    run_depthwise_tiles<kSize, kStride>(g, x, filter, epilogue, range, y);
#endif
}

}  // namespace qudnn::kernels
