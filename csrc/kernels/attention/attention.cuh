// The kernel of attention.h: one block computes kRows rows of one head.
//
// In shared memory:
//   scratch   Q and the table's copies; then what the softmax needs; then the tile of Y
//   ring      slabs of K, then of V, filled ahead: while the softmax is computed, too
//   scores    rows of S, which become rows of P in place, up to the end of the last slab
//   sums      the sums of the rows' exponentials
#pragma once

#include "kernels/attention/attention_matmuls.cuh"
#include "kernels/attention/attention_softmax.cuh"
#include "kernels/common/divisor.cuh"
#include "kernels/common/lane_tables.cuh"

namespace qudnn::kernels {

// How many slabs the ring holds, and the words of the scratch.
constexpr int kAttentionRing = 3, kScratchWords = kTableWords;

struct Attention {
    int m, n, k, columns, width;
    int pitch;  // words, of a row of scores
    AttentionEpilogue scores, result;
    Divisor<uint32_t> row_tiles, inner, middle;  // inner, middle: the last two dimensions of the batch
    int64_t q_stride[4] = {}, k_stride[4] = {}, v_stride[4] = {}, y_stride[4] = {};
    int y_vector = 1;  // bytes per store to y
};

template <class S, class Softmax>
__device__ __forceinline__ void run_attention(const Attention& g, const Softmax& softmax,
                                              const AttentionTensors& tensors) {
    constexpr int kSlabWords = S::kTransposedWords - S::kRows * S::kPitch;
    static_assert(kSlabWords == S::kAcrossWords - S::kRows * S::kPitch && S::kColumns == S::kDepth);
    constexpr int kTile = S::kColumns;
    extern __shared__ __align__(16) uint32_t shared[];
    uint32_t* const scratch = shared;
    uint32_t* const ring = scratch + kScratchWords;
    uint32_t* const scores = ring + kAttentionRing * kSlabWords;
    auto* const sums_of_rows = reinterpret_cast<RowSum*>(scores + S::kRows * g.pitch);

    uint32_t outer = blockIdx.x;
    const auto first_row = static_cast<int>(split(outer, g.row_tiles)) * S::kRows;
    const uint32_t head = outer;
    const int64_t inner = split(outer, g.inner), middle = split(outer, g.middle);
    const auto offset = [&](const int64_t (&stride)[4]) {
        return outer * stride[0] + middle * stride[1] + inner * stride[2];
    };
    const int rows = g.m - first_row;
    const int8_t* const q = tensors.q + offset(g.q_stride) + first_row * g.q_stride[3];
    const int8_t* const k = tensors.k + offset(g.k_stride);
    const int8_t* const v = tensors.v + offset(g.v_stride);
    int8_t* const y = tensors.y + offset(g.y_stride) + first_row * g.y_stride[3];

    // Slabs of K by tiles of keys, then those of V by tiles of columns; each slab is of kTile keys.
    const int key_tiles = (g.n + kTile - 1) / kTile, depths = (g.k + kTile - 1) / kTile;
    const int column_tiles = (g.width + kTile - 1) / kTile;
    int next = 0, key_tile = 0, across = 0;
    bool of_v = false;
    SlabLoader<S> part(k, g.k_stride[3], g.k, true);
    const auto copy_next = [&] {
        uint32_t* const slab = ring + next * kSlabWords;
        if (++next == kAttentionRing) next = 0;
        if (!of_v || across < column_tiles) part.copy(key_tile, across, g.n, slab);
        if (of_v) {
            if (++key_tile == key_tiles) key_tile = 0, ++across;
        } else if (++across == depths) {
            across = 0;
            if (++key_tile == key_tiles) {
                key_tile = 0, of_v = true;
                part = SlabLoader<S>(v, g.v_stride[3], g.columns, false);
            }
        }
        commit_copies();  // empty groups at the end, so that waiting can count them
    };
    for (int i = 0; i < depths; ++i)
        copy_rows<S, S::kRows, false, true>(q + i * kTile, g.q_stride[3], rows, g.k - i * kTile,
                                            scratch + i * S::kRows * S::kPitch);
#pragma unroll 1
    for (int i = 1; i < kAttentionRing; ++i) copy_next();
    auto& table = *reinterpret_cast<LaneTables*>(scratch + kScratchWords - LaneTables::kWords);
    wait_for_copies<kAttentionRing - 2>();  // for Q
    const bool looks_up = __syncthreads_or(!table.load(tensors.table)) != 0;

    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int row = warp % S::kRowWarps * S::kWarpRows, column = warp / S::kRowWarps * S::kWarpColumns;
    const int first_word = column / 4;
    int current = 0;
    const auto next_slab = [&]() -> const uint32_t* {
        wait_for_copies<kAttentionRing - 2>();
        __syncthreads();  // all parts of the slab are there, and the slab before is free
        copy_next();
        const uint32_t* const slab = ring + current * kSlabWords;
        if (++current == kAttentionRing) current = 0;
        return slab;
    };

    const uint32_t* const lane_q = scratch + (row + lane % 16) * S::kPitch + lane / 16 * 4;
    const RowStarts<S> starts(lane_q, depths, g.scores.b_zero_point);
#pragma unroll 1
    for (int i = 0; i < key_tiles; ++i) {
        WarpSums<S> sums = starts.sums();
#pragma unroll 1
        for (int d = 0; d < depths; ++d)
            multiply_keys<S, true>(sums, lane_q + d * S::kRows * S::kPitch, S::kPitch,
                                   ColumnLoader<S, true>(next_slab(), column, lane), false,
                                   g.scores.a_zero_point != 0);
        uint32_t* const target = scores + row * g.pitch + i * (kTile / 4) + first_word;
        finish_words<false>(sums, g.scores,
                            [&](int r, int word, uint32_t four) { target[r * g.pitch + word] = four; });
        if (looks_up) look_up_words<S>(table, target, g.pitch);
    }
    __syncthreads();
    softmax.template run<S>({.scores = scores,
                             .pitch = g.pitch,
                             .rows = rows,
                             .n = g.n,
                             .vectors = key_tiles * (kTile / 16),
                             .first = head * static_cast<uint32_t>(g.m) + static_cast<uint32_t>(first_row),
                             .scratch = scratch,
                             .sums = sums_of_rows});

    const uint32_t* const lane_p = scores + (row + lane % 16) * g.pitch + lane / 16 * 4;
#pragma unroll 1
    for (int i = 0; i < column_tiles; ++i) {
        WarpSums<S> sums;
#pragma unroll 1
        for (int d = 0; d < key_tiles; ++d)
            multiply_keys<S, false>(sums, lane_p + d * (kTile / 4), g.pitch,
                                    ColumnLoader<S, false>(next_slab(), column, lane),
                                    g.result.b_zero_point != 0, g.result.a_zero_point != 0);
        uint32_t* const target = scratch + row * S::kColumnPitch + first_word;
        const int left = g.columns - i * kTile - column;
        finish_words<true>(sums, g.result, [&](int r, int word, uint32_t four) {
            target[r * S::kColumnPitch + word] = first_bytes(left - word * 4) & four;
        });
        __syncthreads();
        store_result<S>(rows, g.width - i * kTile, g.y_vector, scratch, g.y_stride[3], y + i * kTile);
    }
}

template <class S, class Softmax>
__global__ void __launch_bounds__(S::kBlockThreads, S::kBlocks)
    attention_kernel(const __grid_constant__ Attention g, const __grid_constant__ Softmax softmax,
                     const AttentionTensors tensors) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
    run_attention<S>(g, softmax, tensors);
#endif
}

}  // namespace qudnn::kernels
