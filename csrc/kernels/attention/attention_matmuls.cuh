// The matmuls of attention.cuh: slabs of keys, the mainloop over them, and the epilogue to int8.
#pragma once

#include "kernels/attention/attention.h"
#include "kernels/common/lane_tables.cuh"
#include "kernels/gemm/mma_slab.cuh"

namespace qudnn::kernels {

// What the kernel needs of a matmul.
struct AttentionEpilogue {
    int a_zero_point, b_zero_point, depth;
    float multiplier;
    OutputRange range;
    bool small;  // see EpilogueCase

    AttentionEpilogue(const AttentionMatMul& p, int64_t k)
        : a_zero_point(p.a_zero_point),
          b_zero_point(p.b_zero_point),
          depth(static_cast<int>(k)),
          multiplier(p.multiplier),
          range(p.zero_point),
          small(k * (128 + std::abs(p.a_zero_point)) * (128 + std::abs(p.b_zero_point)) < kSmallSum &&
                std::fabs(p.multiplier) <= 1.0f) {}
};

// A thread's part of slabs of keys: of K, whose even and odd rows are apart (see ColumnLoader), or of V.
template <class S>
class SlabLoader {
  public:
    __device__ SlabLoader(const int8_t* matrix, int64_t stride, int columns, bool of_k)
        : stride_(stride), valid_(columns - own_column()) {
        const int row = own_row(), place = of_k ? row / 16 * 16 + row % 2 * 8 + row % 16 / 2 : row;
        source_ = matrix + row * stride + own_column();
        offset_ = place * S::kPitch + own_column() / 4;
    }

    // Of a matrix of `keys` rows.
    __device__ void copy(int tile, int across, int keys, uint32_t* slab) const {
        const int8_t* source = source_ + tile * kTile * stride_ + across * kTile;
        uint32_t* const target = slab + offset_;
        const int valid = valid_ - across * kTile, rows = keys - tile * kTile;
        if (rows >= kTile && valid >= 16) {
#pragma unroll
            for (int i = 0; i < kTile; i += kAtOnce, source += kAtOnce * stride_)
                copy_once(target + i * S::kPitch, source);
        } else {
#pragma unroll 1
            for (int i = 0; i < kTile; i += kAtOnce, source += kAtOnce * stride_) {
                const bool exists = i + own_row() < rows && valid > 0;
                copy_part(target + i * S::kPitch, exists ? source : source_, exists ? min(valid, 16) : 0);
            }
        }
    }

  private:
    static constexpr int kTile = S::kDepth, kVectors = kTile / 16, kAtOnce = S::kBlockThreads / kVectors;
    static_assert(S::kColumns == kTile && S::kColumnPitch == S::kPitch && kTile % kAtOnce == 0 &&
                  kAtOnce % 16 == 0);

    __device__ static int own_row() { return static_cast<int>(threadIdx.x) / kVectors; }
    __device__ static int own_column() { return static_cast<int>(threadIdx.x) % kVectors * 16; }

    const int8_t* source_;
    int64_t stride_;
    int valid_, offset_;
};

// The initial accumulators of the warp's rows of Q: minus the zero-point terms of the rows' sums.
template <class S>
struct RowStarts {
    int32_t start[S::kRowTiles][2];

    __device__ RowStarts(const uint32_t* lane_q, int depths, int k_zero_point) {
        int32_t rows[S::kRowTiles][2] = {};
        if (k_zero_point != 0) {
#pragma unroll 1
            for (int d = 0; d < depths; ++d)
#pragma unroll
                for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
                    for (int depth = 0; depth < S::kDepth; depth += 32) {
                        uint32_t q[4];
                        load_matrices(q, lane_q + (d * S::kRows + i * 16) * S::kPitch + depth / 4);
#pragma unroll
                        for (int word = 0; word < 4; ++word)
                            rows[i][word % 2] = __dp4a(static_cast<int>(q[word]), kOnes, rows[i][word % 2]);
                    }
        }
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half)
                start[i][half] = wrapping_add(
                    kSumOrigin,
                    static_cast<int32_t>(0u - static_cast<uint32_t>(k_zero_point) *
                                                  static_cast<uint32_t>(sum_of_four(rows[i][half]))));
    }
    __device__ WarpSums<S> sums() const {
        WarpSums<S> sums;
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int j = 0; j < S::kColumnTiles; ++j)
#pragma unroll
                for (int r = 0; r < 4; ++r) sums.acc[i][j][r] = start[i][r / 2];
        return sums;
    }
};

// multiply_slab() without branches between mmas, so that operands are loaded ahead. It also sums the columns
// if it sums the rows.
template <class S, bool kTransposed>
__device__ __forceinline__ void multiply_keys(WarpSums<S>& sums, const uint32_t* lane_a, int pitch,
                                              const ColumnLoader<S, kTransposed>& lane_b, bool row_sums,
                                              bool column_sums) {
    if (row_sums)
        multiply_slab<S, kTransposed>(sums, lane_a, pitch, lane_b, true, true, 0, 1);
    else if (column_sums)
        multiply_slab<S, kTransposed>(sums, lane_a, pitch, lane_b, false, true, 0, 1);
    else
        multiply_slab<S, kTransposed>(sums, lane_a, pitch, lane_b, false, false, 0, 1);
}

// Calls put(row, word, four results) for the lane's words of the warp's tile. kRowSums: the zero-point terms
// of A's rows still have to be subtracted.
template <class S, EpilogueCase kEpilogue, bool kRowSums, class Put>
__device__ __forceinline__ void finish_words(const WarpSums<S>& sums, const AttentionEpilogue& e,
                                             const Put& put) {
    const int lane = threadIdx.x % 32, t = lane % 4;
    const auto za = static_cast<uint32_t>(e.a_zero_point), zb = static_cast<uint32_t>(e.b_zero_point);
    uint32_t row_terms[S::kRowTiles][2] = {};
    if (kRowSums && zb != 0) {
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half)
                row_terms[i][half] = zb * static_cast<uint32_t>(sum_of_four(sums.rows[i][half]));
    }
#pragma unroll
    for (int j = 0; j < S::kColumnTiles; j += 2) {
        uint32_t bias[4] = {};
        if (za != 0) {
            // Lanes 4 g to 4 g + 3 have the sum of the mma's column g.
            const int32_t own[2] = {sum_of_four(sums.columns[j]), sum_of_four(sums.columns[j + 1])};
#pragma unroll
            for (int n = 0; n < 4; ++n) {
                const auto sum = static_cast<uint32_t>(__shfl_sync(~0u, own[n % 2], 4 * (2 * t + n / 2)));
                bias[n] = za * (static_cast<uint32_t>(e.depth) * zb - sum);
            }
        }
#pragma unroll
        for (int n = 0; n < 4; ++n)
            bias[n] = bias_word(static_cast<int32_t>(bias[n]), kEpilogue != EpilogueCase::any);
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                int32_t four[4];
#pragma unroll
                for (int n = 0; n < 4; ++n) {
                    const auto acc = static_cast<uint32_t>(sums.acc[i][j + n % 2][2 * half + n / 2]);
                    four[n] = rounded<kEpilogue>(static_cast<int32_t>(acc - row_terms[i][half]), bias[n],
                                                 e.multiplier, e.range);
                }
                put(lane / 4 + i * 16 + half * 8, t + j * 2, pack_rounded<kEpilogue>(four));
            }
    }
}

template <bool kRowSums, class S, class Put>
__device__ __forceinline__ void finish_words(const WarpSums<S>& sums, const AttentionEpilogue& e,
                                             const Put& put) {
    if (e.small)
        finish_words<S, EpilogueCase::small_unbounded, kRowSums>(sums, e, put);
    else
        finish_words<S, EpilogueCase::any, kRowSums>(sums, e, put);
}

// Replaces the same words of `target`, whose rows are `pitch` words apart, in a loop: much less code than
// unrolled.
template <class S>
__device__ __forceinline__ void look_up_words(const LaneTables& table, uint32_t* target, int pitch) {
    constexpr int kRowsAtOnce = 2, kWords = S::kWarpColumns / 16;
    const int lane = threadIdx.x % 32;
    target += lane / 4 * pitch + lane % 4;
#pragma unroll 1
    for (int row = 0; row < S::kWarpRows; row += 8 * kRowsAtOnce, target += 8 * kRowsAtOnce * pitch) {
        uint32_t words[kRowsAtOnce][kWords];
#pragma unroll
        for (int i = 0; i < kRowsAtOnce; ++i)
#pragma unroll
            for (int j = 0; j < kWords; ++j) words[i][j] = target[i * 8 * pitch + j * 4];
#pragma unroll
        for (int i = 0; i < kRowsAtOnce; ++i)
#pragma unroll
            for (int j = 0; j < kWords; ++j) words[i][j] = table.look_up(words[i][j]);
#pragma unroll
        for (int i = 0; i < kRowsAtOnce; ++i)
#pragma unroll
            for (int j = 0; j < kWords; ++j) target[i * 8 * pitch + j * 4] = words[i][j];
    }
}

}  // namespace qudnn::kernels
