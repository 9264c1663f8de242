// The pipeline of float_attention.cuh: a ring of stages in shared memory, each a tile of keys and a tile of
// values, filled by asynchronous copies.
#pragma once

#include "kernels/common/ampere.cuh"

namespace qudnn::kernels {

// RowTiles: of 16 rows, of a warp. Width: of heads, which are filled up with zeros. Blocks: of a
// multiprocessor.
template <int RowTiles, int Width, int Blocks>
struct FloatAttentionShape {
    static constexpr int kRowTiles = RowTiles, kWidth = Width, kBlocks = Blocks;
    static constexpr int kWarps = 4, kBlockThreads = kWarps * 32;
    static constexpr int kWarpRows = 16 * kRowTiles, kRows = kWarps * kWarpRows;
    static constexpr int kKeys = 32, kTileWords = kKeys * kWidth, kStageWords = 2 * kTileWords;
    static constexpr int kStages = kWidth <= 64 ? 4 : 3;
    static constexpr int kBytes = kStages * kStageWords * 4;
    static constexpr int kKeyTiles = kKeys / 8, kDepthSteps = kWidth / 8, kColumnTiles = kWidth / 8;
    static_assert(kWidth % 32 == 0);
};

// In a tile, chunk c of a row, four floats, lies at place c ^ swizzle, so that eight lanes that read chunks
// of two neighbouring keys, or of every fourth value, read from different banks.
__device__ __forceinline__ int key_swizzle(int key) { return key % 2 * 4; }
__device__ __forceinline__ int value_swizzle(int key) { return key / 4 % 4 * 2; }

// Copies rows of floats to tiles, one tile after the other; zeros beyond the last row and the rows' width.
template <class S>
class TileCopy {
  public:
    using Swizzle = int (*)(int key);

    // stride: of the rows, in floats. `rows` and `width` are those that count.
    __device__ __forceinline__ TileCopy(const float* from, int stride, int rows, int width, Swizzle swizzle)
        : stride_(stride) {
        const int key = static_cast<int>(threadIdx.x) / kLanes, chunk = threadIdx.x % kLanes;
        from_ = from + key * int64_t{stride} + chunk * 4;
        left_ = rows - key;
        width_ = width - chunk * 4;
        word_ = key * S::kWidth + (chunk ^ swizzle(key)) * 4;
    }

    __device__ __forceinline__ void next(uint32_t* tile) {
#pragma unroll
        for (int key = 0; key < S::kKeys; key += kStep)
#pragma unroll
            for (int column = 0; column < S::kWidth; column += kLanes * 4)
                copy_part(tile + word_ + key * S::kWidth + column, from_ + key * int64_t{stride_} + column,
                          key < left_ && column < width_ ? 16 : 0);
        from_ += S::kKeys * int64_t{stride_};
        left_ -= S::kKeys;
    }

  private:
    // Lanes that copy 128 bytes of a row, and the rows that the block copies at once.
    static constexpr int kLanes = 8, kStep = S::kBlockThreads / kLanes;
    static_assert(kStep % 16 == 0, "one swizzle for all rows of a thread");

    const float* from_;
    int stride_, left_, width_, word_;
};

}  // namespace qudnn::kernels
