// How pointwise.cuh shares a matmul out among blocks and warps, and the copies of x and the weights to shared
// memory.
//
// Rows in shared memory are 16 bytes further apart than a multiple of 32, so that the 8 rows that are read at
// a time lie in different banks.
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"
#include "kernels/common/padded_images.cuh"

namespace qudnn::kernels {

// What the kernel needs of a problem and a variant.
struct Pointwise {
    int m, k, c;
    int steps;          // along c, of a shape's depth
    int tiles;          // along m
    int tile_step;      // from a block's tile to its next: blocks side by side
    int column_blocks;  // blocks side by side that share the output channels
    bool strided;       // rows of x are not at a constant stride:
    Divisor<uint32_t> q, p;
    int64_t image, line;  // from a pixel's row to that of the pixel in the next image, below
    int stride_w;
    bool pads_output;  // nor are rows of y:
    PaddedImages<uint32_t> y;
};

// The partition of a block. A warp multiplies kRowTiles * 16 rows by kColumnTiles * 8 columns, kDepth values
// of c per step.
template <int kRowWarps_, int kColumnWarps, int kRowTiles_, int kColumnTiles_, int kDepth_>
struct PointwiseShape {
    static constexpr int kRowWarps = kRowWarps_, kRowTiles = kRowTiles_, kColumnTiles = kColumnTiles_;
    static constexpr int kDepth = kDepth_;
    static constexpr int kWarpRows = kRowTiles * 16, kWarpColumns = kColumnTiles * 8;
    static constexpr int kRows = kRowWarps * kWarpRows, kColumns = kColumnWarps * kWarpColumns;
    static constexpr int kBlockThreads = kRowWarps * kColumnWarps * 32;
    static constexpr int kPitch = (kDepth + 16) / 4;  // words, of rows of x and w in shared memory
    static constexpr int kBuffers = kDepth == 64 ? 4 : 3;
    static constexpr int kVectors = kDepth / 16;                // of a row and step
    static constexpr int kCopyRows = kBlockThreads / kVectors;  // that the block copies at a time
    static_assert(kRows % kCopyRows == 0 && kColumns % kCopyRows == 0);

    // Words of shared memory: bias and multiplier, weights, buffers of x. A table follows, if there is one.
    static constexpr int words(int steps) {
        return 2 * kColumns + (steps * kColumns + kBuffers * kRows) * kPitch;
    }
};

// Starts copying the weights of columns `first` and up. Those that do not exist are zero, in c too: what x
// has there does not matter then.
template <class S>
__device__ __forceinline__ void copy_weights(const Pointwise& g, const int8_t* w, int first,
                                             uint32_t* weights) {
    const int vector = threadIdx.x % S::kVectors;
    for (int step = 0; step < g.steps; ++step)
        for (int place = threadIdx.x / S::kVectors; place < S::kColumns; place += S::kCopyRows) {
            // Which column it is: see store_tile().
            const int j = place % S::kWarpColumns / 8, n = place % 8;
            const int column =
                place / S::kWarpColumns * S::kWarpColumns + n / 2 * (2 * S::kColumnTiles) + 2 * j + n % 2;
            const int c = step * S::kDepth + vector * 16;
            uint32_t* target = weights + (step * S::kColumns + place) * S::kPitch + vector * 4;
            if (first + column < g.k && c < g.c)
                copy_async<4>(target, w + static_cast<int64_t>(first + column) * g.c + c);
            else
                *reinterpret_cast<uint4*>(target) = {0, 0, 0, 0};
        }
}

// Starts copying a step of a tile of x. Rows that do not exist are left out; their results are not stored.
template <class S>
__device__ __forceinline__ void copy_rows(const Pointwise& g, const int8_t* x, int tile, int step,
                                          uint32_t* buffer) {
    const int vector = threadIdx.x % S::kVectors, row = threadIdx.x / S::kVectors;
    const int c = step * S::kDepth + vector * 16, first = tile * S::kRows + row;
    if (tile >= g.tiles || c >= g.c) return;
    uint32_t* target = buffer + row * S::kPitch + vector * 4;
    if (g.strided) {
#pragma unroll 1
        for (int i = 0; i < S::kRows && first + i < g.m; i += S::kCopyRows) {
            auto pixel = static_cast<uint32_t>(first + i);
            const uint32_t q = split(pixel, g.q), p = split(pixel, g.p);
            const int64_t where = pixel * g.image + p * g.line + q * g.stride_w;
            copy_once(target + i * S::kPitch, x + where * g.c + c);
        }
        return;
    }
    const int8_t* source = x + static_cast<int64_t>(first) * g.c + c;
#pragma unroll
    for (int i = 0; i < S::kRows; i += S::kCopyRows) {
        if (first + i < g.m) copy_once(target + i * S::kPitch, source);
        source += S::kCopyRows * g.c;
    }
}

}  // namespace qudnn::kernels
