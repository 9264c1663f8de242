// What depthwise_tiles.cuh multiplies: where a block's tiles lie, the pixels that they read, which its
// threads copy to shared memory, and a lane's columns of the filter.
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"

namespace qudnn::kernels {

constexpr int kSlabChannels = 16;  // of a warp: what a lane loads at once

struct DepthwiseTiles {
    int h, w, c, p, q;
    int pad_top, pad_left;
    int slab_bits;                  // 2^slab_bits slabs of 16 channels per block
    int channel_blocks;             // blocks side by side
    int tile_rows, tile_columns;    // output pixels of a block, warps below each other
    int warp_rows;                  // of these per warp
    int lower_row, lower_column;    // from the pixel of an mma's row i to that of row i + 8
    Divisor<uint32_t> down, over;   // tiles per image
    int tiles, step;                // in all; from a block's tile to its next
    int patch_height, patch_width;  // input pixels that a tile sees
    int pitch;                      // from row to row of the patch, with those that only taps of 0 see
    int row_step, column_step;      // what threads / slabs pixels of the patch are
    uint32_t zero_point;            // in each byte

    __host__ __device__ int slabs() const { return 1 << slab_bits; }
    __host__ __device__ int patch_pixels() const { return patch_height * pitch; }
};

// A block's tile: its image and first output pixel.
struct DepthwiseTile {
    int n, p, q;

    __device__ DepthwiseTile(const DepthwiseTiles& g, int tile) {
        auto index = static_cast<uint32_t>(tile);
        q = static_cast<int>(split(index, g.over)) * g.tile_columns;
        p = static_cast<int>(split(index, g.down)) * g.tile_rows;
        n = static_cast<int>(index);
    }
};

// Copies the pixels that a tile reads, slab by slab.
template <int kStride>
class PatchCopier {
  public:
    // x: of the block's first channel, of which there are `channels`.
    __device__ PatchCopier(const DepthwiseTiles& g, const int8_t* x, int channels) : x_(x) {
        const int thread = static_cast<int>(threadIdx.x), slab = thread & (g.slabs() - 1);
        const int pixel = thread >> g.slab_bits;
        row_ = slab * kSlabChannels < channels ? pixel / g.patch_width : INT_MAX;
        column_ = pixel % g.patch_width;
        x_ += slab * kSlabChannels;
        patch_ = slab * g.patch_pixels();
    }

    // Starts copying; pixels outside the image are set.
    __device__ void copy(const DepthwiseTiles& g, const DepthwiseTile& tile, uint4* patch) const {
        const int top = tile.p * kStride - g.pad_top, left = tile.q * kStride - g.pad_left;
        const int8_t* image = x_ + static_cast<int64_t>(tile.n) * (g.h * g.w * g.c);
        patch += patch_;
        int column = column_;
        for (int row = row_; row < g.patch_height;) {
            const int h = top + row, w = left + column;
            uint4* target = patch + row * g.pitch + column;
            if (static_cast<unsigned>(h) < static_cast<unsigned>(g.h) &&
                static_cast<unsigned>(w) < static_cast<unsigned>(g.w))
                copy_async<4>(&target->x, image + (h * g.w + w) * g.c);
            else
                *target = {g.zero_point, g.zero_point, g.zero_point, g.zero_point};
            row += g.row_step;
            column += g.column_step;
            if (column >= g.patch_width) column -= g.patch_width, ++row;
        }
    }

  private:
    const int8_t* x_;
    int row_, column_, patch_;  // of the thread's first pixel; of its slab
};

// A lane's columns of the filter, of two mmas side by side: mma j has the results of quads of channels j and
// j + 2 of the warp's. kGroup: channels of a group.
template <int kSize, int kGroup>
struct DepthwiseColumns {
    static constexpr int kSteps = (kSize + 3) / 4;       // per filter row
    static constexpr int kSlabs = kGroup == 32 ? 2 : 1;  // that a group's input lies in
    static constexpr int kParts = kGroup == 1 ? 1 : 2;   // pairs of quads of a slab that it lies in
    uint32_t words[kSize][kSteps][kSlabs][2][kParts][2];

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
                    const int8_t* of_tap = filter + ((channel * kSize + r) * kSize + s) * kGroup;
#pragma unroll
                    for (int slab = 0; slab < kSlabs; ++slab)
#pragma unroll
                        for (int part = 0; part < kParts; ++part)
#pragma unroll
                            for (int half = 0; half < 2; ++half) {
                                const int quad = slab * 4 + (kParts == 1 ? j : part) + half * 2;
                                words[r][i][slab][j][part][half] =
                                    s < kSize ? word(of_tap, channel, quad) : 0;
                            }
                }
            }
        }
    }

  private:
    // Of a tap of a channel, the four channels of the input that are `quad`.
    __device__ static uint32_t word(const int8_t* of_tap, int channel, int quad) {
        if constexpr (kGroup != 1) return reinterpret_cast<const uint32_t*>(of_tap)[quad];
        return channel / 4 == quad ? static_cast<uint32_t>(static_cast<uint8_t>(*of_tap)) << channel % 4 * 8
                                   : 0;
    }
};

}  // namespace qudnn::kernels
