// Depthwise convolution, and that in groups of 4, 8, 16 or 32 channels, on tensor cores, which have
// arithmetic to spare.
//
// An mma of 16 pixels x 32 bytes by 32 bytes x 8 channels takes 8 channels of 4 neighbouring pixels as its
// 32 bytes: the input of 4 taps of a filter row, as it lies in memory. The filter's column for a channel is 0
// except for its group's channels. So 7/8 of a depthwise convolution multiplies zeros; still, it takes fewer
// instructions than merely gathering bytes for __dp4a. Groups take as many more mmas as their channels need.
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/common/common.cuh"
#include "kernels/common/dependent_launch.cuh"
#include "kernels/common/lane_tables.cuh"
#include "kernels/conv/conv.h"
#include "kernels/conv/depthwise_operands.cuh"

namespace qudnn::kernels {

constexpr int kDepthwiseRows = 4;  // of mmas per warp
constexpr int kDepthwiseWarps = 4;

// An mma's results for two channels of two pixels, requantized: the first pixel's in the low half.
template <bool kSmall>
__device__ uint32_t requantize_pairs(const int32_t (&acc)[4], const float (&multiplier)[2],
                                     const OutputRange& range) {
    return pack(
        requantize<kSmall>(acc[0], multiplier[0], range), requantize<kSmall>(acc[1], multiplier[1], range),
        requantize<kSmall>(acc[2], multiplier[0], range), requantize<kSmall>(acc[3], multiplier[1], range));
}

// What a lane knows about its four channels, 2 i and 2 i + 1 of quads t / 2 * 2 and t / 2 * 2 + 1.
struct DepthwiseEpilogue {
    int32_t bias[2][2] = {};
    float multiplier[2][2] = {};
    bool small = true;  // no accumulator of the warp leaves the range of the faster conversion

    // channel: the warp's first.
    __device__ void load(const Epilogue& epilogue, int channel, int taps) {
        const int t = threadIdx.x % 4, most = kSmallSum - taps * 128 * 128;
#pragma unroll
        for (int j = 0; j < 2; ++j)
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                const int k = channel + (j + t / 2 * 2) * 4 + t % 2 * 2 + i;
                bias[j][i] = epilogue.bias[k];
                multiplier[j][i] = epilogue.multiplier[k];
                small = small && bias[j][i] >= -most && bias[j][i] < most;
            }
    }
};

// Loops over the tiles of a block. channel: the warp's first, counted from where x and y start. idle: the
// warp has no channels.
template <int kSize, int kStride, int kGroup, bool kSmall>
__device__ __forceinline__ void run_depthwise_tiles(const DepthwiseTiles& g, int tile, uint4* patches,
                                                    const PatchCopier<kStride>& copier,
                                                    const DepthwiseColumns<kSize, kGroup>& b,
                                                    const DepthwiseEpilogue& e, const OutputRange& range,
                                                    const LaneTables& table, bool looks_up, bool idle,
                                                    int8_t* __restrict__ y) {
    using Columns = DepthwiseColumns<kSize, kGroup>;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row = lane / 4, t = lane % 4;
    const int slab = warp & (g.slabs() - 1), warp_row = (warp >> g.slab_bits) * g.warp_rows;
    const int patch_size = g.slabs() * g.patch_pixels();
    const int input = slab / Columns::kSlabs * Columns::kSlabs;  // the group's first slab
    const int upper = input * g.patch_pixels() + warp_row * kStride * g.pitch + row * kStride + t;
    const int lower = upper + (g.lower_row * g.pitch + g.lower_column) * kStride;
    const int lower_target = (g.lower_row * g.q + g.lower_column) * g.c, image = g.p * g.q * g.c;
    // Lanes 2 i and 2 i + 1 have halves of the same two quads: each gets one of them whole.
    const bool odd = t % 2;
    const uint32_t first_half = odd ? 0x1054 : 0x5410, second_half = odd ? 0x3276 : 0x7632;

    for (int buffer = 0; tile < g.tiles; tile += g.step, buffer ^= 1) {
        if (tile + g.step < g.tiles)
            copier.copy(g, DepthwiseTile(g, tile + g.step), patches + (buffer ^ 1) * patch_size);
        commit_copies();
        wait_for_copies<1>();
        __syncthreads();
        const DepthwiseTile place(g, tile);
        const int p = place.p + warp_row, q = place.q + row;
        if (!idle && p < g.p) {
            const uint4* upper_pixels = patches + buffer * patch_size + upper;
            const uint4* lower_pixels = patches + buffer * patch_size + lower;
            int32_t acc[kDepthwiseRows][2][4];
#pragma unroll
            for (int i = 0; i < kDepthwiseRows; ++i)
#pragma unroll
                for (int j = 0; j < 2; ++j)
#pragma unroll
                    for (int k = 0; k < 4; ++k) acc[i][j][k] = e.bias[j][k % 2];
#pragma unroll
            for (int h = 0; h < (kDepthwiseRows - 1) * kStride + kSize; ++h) {
#pragma unroll
                for (int s = 0; s < Columns::kSteps; ++s) {
#pragma unroll
                    for (int in = 0; in < Columns::kSlabs; ++in) {
                        const int pixel = in * g.patch_pixels() + s * 4;
                        const uint4 u = upper_pixels[pixel], l = lower_pixels[pixel];
                        const uint32_t a[2][4] = {{u.x, l.x, u.z, l.z}, {u.y, l.y, u.w, l.w}};
#pragma unroll
                        for (int i = 0; i < kDepthwiseRows; ++i) {
                            const int r = h - i * kStride;
                            if (r < 0 || r >= kSize) continue;
#pragma unroll
                            for (int j = 0; j < 2; ++j)
#pragma unroll
                                for (int part = 0; part < Columns::kParts; ++part)
                                    multiply_add(acc[i][j], a[Columns::kParts == 1 ? j : part],
                                                 b.words[r][s][in][j][part]);
                        }
                    }
                }
                upper_pixels += g.pitch, lower_pixels += g.pitch;
            }

            int8_t* target = y + (static_cast<int64_t>(place.n) * image + (p * g.q + q) * g.c + t * 4);
            const int upper_rows = q < g.q ? g.p - p : 0;
            const int lower_rows = q + g.lower_column < g.q ? g.p - p - g.lower_row : 0;
#pragma unroll
            for (int i = 0; i < kDepthwiseRows; ++i, target += g.q * g.c) {
                uint32_t words[2];
#pragma unroll
                for (int j = 0; j < 2; ++j)
                    words[j] = requantize_pairs<kSmall>(acc[i][j], e.multiplier[j], range);
                const uint32_t kept = odd ? words[1] : words[0];
                const uint32_t got = __shfl_xor_sync(~0u, odd ? words[0] : words[1], 1);
                uint32_t first = __byte_perm(kept, got, first_half);
                uint32_t second = __byte_perm(kept, got, second_half);
                if (looks_up) first = table.look_up(first), second = table.look_up(second);
                if (i < upper_rows) *reinterpret_cast<uint32_t*>(target) = first;
                if (i < lower_rows) *reinterpret_cast<uint32_t*>(target + lower_target) = second;
            }
        }
        __syncthreads();  // the patch is read
    }
}

template <int kSize, int kStride, int kGroup>
__device__ __forceinline__ void prepare_depthwise_tiles(const DepthwiseTiles& g, const int8_t* x,
                                                        const int8_t* __restrict__ filter,
                                                        const Epilogue& epilogue, const OutputRange& range,
                                                        int8_t* __restrict__ y) {
    extern __shared__ __align__(16) uint32_t shared[];
    auto* const patches = reinterpret_cast<uint4*>(shared);
    const int first = static_cast<int>(blockIdx.x % g.channel_blocks) * g.slabs() * kSlabChannels;
    const int tile = static_cast<int>(blockIdx.x / g.channel_blocks);
    const PatchCopier<kStride> copier(g, x + first, g.c - first);

    // What is constant comes before the wait for x.
    let_next_kernel_start();
    const int channel = first + (static_cast<int>(threadIdx.x) / 32 & (g.slabs() - 1)) * kSlabChannels;
    const bool idle = channel >= g.c;  // as all of its warp
    DepthwiseColumns<kSize, kGroup> b;
    DepthwiseEpilogue e;
    if (!idle) {
        b.load(filter + channel * kSize * kSize * kGroup);
        e.load(epilogue, channel, kSize * kSize * kGroup);
    }
    auto& table = *reinterpret_cast<LaneTables*>(patches + 2 * g.slabs() * g.patch_pixels());
    const bool looks_up = epilogue.table != nullptr;
    if (looks_up) table.load(epilogue.table);
    wait_for_kernels_before();
    copier.copy(g, DepthwiseTile(g, tile), patches);
    commit_copies();
    // The same for all warps of a block, because they wait for each other.
    if (__syncthreads_and(e.small)) {
#pragma unroll
        for (auto& pair : e.bias)
#pragma unroll
            for (int32_t& bias : pair) bias += kSumOrigin;
        run_depthwise_tiles<kSize, kStride, kGroup, true>(g, tile, patches, copier, b, e, range, table,
                                                          looks_up, idle, y + channel);
    } else {
        run_depthwise_tiles<kSize, kStride, kGroup, false>(g, tile, patches, copier, b, e, range, table,
                                                           looks_up, idle, y + channel);
    }
}

// kBlocks share a multiprocessor, which bounds the registers.
template <int kSize, int kStride, int kGroup, int kBlocks>
__global__ void __launch_bounds__(kDepthwiseWarps * 32, kBlocks)
    depthwise_tiles_kernel(const __grid_constant__ DepthwiseTiles g, const int8_t* x,
                           const int8_t* __restrict__ filter, Epilogue epilogue, OutputRange range,
                           int8_t* __restrict__ y) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
    prepare_depthwise_tiles<kSize, kStride, kGroup>(g, x, filter, epilogue, range, y);
#endif
}

using DepthwiseTilesKernel = void (*)(DepthwiseTiles, const int8_t*, const int8_t*, Epilogue, OutputRange,
                                      int8_t*);

}  // namespace qudnn::kernels
