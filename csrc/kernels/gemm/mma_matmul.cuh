// The kernel of mma_matmul.h: one block computes one tile of one matmul.
//
// The mainloop: k-tiles of A and B, kDepth values long, pass through a ring of buffers in shared memory,
// filled several stages ahead. They are filled with zeros beyond k, so that sums over whole k-tiles are those
// over k:
//   sum((A - za) * (B - zb)) = sum(A * B) - zb * sum(A's row) - za * sum(B's column) + k * za * zb
// Both sums are computed from the words that the mmas use, and only if their zero point is not 0.
#pragma once

#include <type_traits>

#include "kernels/common/divisor.cuh"
#include "kernels/gemm/batch_matmul.h"
#include "kernels/gemm/column_parameters.cuh"
#include "kernels/gemm/mma_slab.cuh"

namespace qudnn::kernels {

// What the kernel needs of a problem and a variant.
struct MmaMatMul {
    int m, n, k, width;
    int steps;                                  // along k
    Divisor<uint32_t> column_tiles, row_tiles;  // of a matmul
    Divisor<uint32_t> inner, middle;            // the last two dimensions of the batch
    int64_t a_stride[4] = {}, b_stride[4] = {}, y_stride[4] = {};
    int y_vector;  // bytes per store to y
};

// The epilogue's parameters of each column, in shared memory.
template <class S>
struct alignas(16) MmaMatMulColumns {
    // First as given, then a bias_word() with all corrections but the row's.
    uint32_t bias[S::kColumns];
    float multiplier[S::kColumns];
    float addend[S::kColumns];  // for int8 results zero points, if each column has one
    int32_t zero_point[S::kColumns];
    int32_t sum[S::kColumns];
};

// Where the block's tile is, and what of it exists.
struct MmaMatMulTile {
    int64_t a = 0, b = 0, y = 0;  // elements to the matrices' first ones, for y to the tile's
    int row, column;
    int rows, columns, width;  // up to the ends of A, B and y's rows; may exceed the tile
};

template <class S>
__device__ __forceinline__ MmaMatMulTile locate(const MmaMatMul& g) {
    uint32_t outer = blockIdx.x;
    const auto column = static_cast<int>(split(outer, g.column_tiles)) * S::kColumns;
    const auto row = static_cast<int>(split(outer, g.row_tiles)) * S::kRows;
    const int64_t inner = split(outer, g.inner), middle = split(outer, g.middle);
    const auto offset = [&](const int64_t (&stride)[4]) {
        return outer * stride[0] + middle * stride[1] + inner * stride[2];
    };
    return {.a = offset(g.a_stride),
            .b = offset(g.b_stride),
            .y = offset(g.y_stride) + row * g.y_stride[3] + column,
            .row = row,
            .column = column,
            .rows = g.m - row,
            .columns = g.n - column,
            .width = g.width - column};
}

// What is known once the columns' parameters are: the block's threads agree on it.
struct ColumnFacts {
    bool row_sums;  // some zero point of B is not 0
    bool small;     // all sums are small, and for int8 results multipliers moderate
};

// Loads the columns' parameters.
template <class S, class Y>
__device__ __forceinline__ ColumnFacts load_columns(const MmaMatMul& g, const MmaMatMulTile& tile,
                                                    const BatchMatMulEpilogue& e, int32_t a_zero_point,
                                                    MmaMatMulColumns<S>& columns) {
    bool row_sums = false, large = false;
    for (int i = threadIdx.x; i < S::kColumns; i += S::kBlockThreads) {
        int32_t zero_point = 0;
        ColumnParameters parameters;
        if (i < tile.columns) {
            const int column = tile.column + i;
            zero_point = zero_point_of_b(e, column);
            parameters = column_parameters<Y>(e, column);
            if (std::is_same_v<Y, int8_t> && e.zero_points != nullptr)
                parameters.addend = e.zero_points[column];
        }
        const int64_t most = int64_t{g.k} * (128 + abs(a_zero_point)) * (128 + abs(zero_point));
        large |= most + abs(int64_t{parameters.bias}) >= kSmallSum;
        large |= std::is_same_v<Y, int8_t> && !(fabsf(parameters.multiplier) <= 1.0f);
        row_sums |= zero_point != 0;
        columns.bias[i] = static_cast<uint32_t>(parameters.bias);
        columns.multiplier[i] = parameters.multiplier;
        columns.addend[i] = parameters.addend;
        columns.zero_point[i] = zero_point;
        columns.sum[i] = 0;
    }
    return {.row_sums = __syncthreads_or(row_sums) != 0, .small = __syncthreads_or(large) == 0};
}

// Adds the zero-point terms to the biases.
template <class S>
__device__ __forceinline__ void correct_biases(const MmaMatMul& g, int32_t a_zero_point, bool small,
                                               MmaMatMulColumns<S>& columns) {
    for (int i = threadIdx.x; i < S::kColumns; i += S::kBlockThreads) {
        const auto za = static_cast<uint32_t>(a_zero_point),
                   zb = static_cast<uint32_t>(columns.zero_point[i]),
                   sum = static_cast<uint32_t>(columns.sum[i]);
        const uint32_t bias = columns.bias[i] + za * (static_cast<uint32_t>(g.k) * zb - sum);
        columns.bias[i] = bias_word(static_cast<int32_t>(bias), small);
    }
}

// Finishes the warp's results, `row` and `column` being those of its tile in the block's: of int8 to the tile
// in shared memory, of the others to y. kZeroPoints: each column has one, see rounded_with().
template <class S, class Y, EpilogueCase kEpilogue, bool kZeroPoints = false>
__device__ __forceinline__ void finish_tile(const MmaMatMul& g, const MmaMatMulTile& tile,
                                            const WarpSums<S>& sums, const MmaMatMulColumns<S>& columns,
                                            bool row_sums, const OutputRange& range, int row, int column,
                                            uint32_t* result, Y* y) {
    const int lane = threadIdx.x % 32;
    row += lane / 4;
    column += lane % 4 * 4;
#pragma unroll
    for (int j = 0; j < S::kColumnTiles; j += 2) {
        const int first = column + j * 8;
        uint32_t bias[4];
        int32_t zero_point[4] = {};
        float multiplier[4], addend[4];
        load_four(bias, columns.bias + first);
        load_four(multiplier, columns.multiplier + first);
        load_four(addend, columns.addend + first);
        if (row_sums) load_four(zero_point, columns.zero_point + first);
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int r = row + i * 16 + half * 8;
                int32_t acc[4];
#pragma unroll
                for (int n = 0; n < 4; ++n) {
                    acc[n] = sums.acc[i][j + n % 2][2 * half + n / 2];
                    if (row_sums)
                        acc[n] = static_cast<int32_t>(static_cast<uint32_t>(acc[n]) -
                                                      static_cast<uint32_t>(zero_point[n]) *
                                                          static_cast<uint32_t>(sums.rows[i][half]));
                }
                if constexpr (std::is_same_v<Y, int8_t>) {
                    int32_t four[4];
#pragma unroll
                    for (int n = 0; n < 4; ++n) {
                        if constexpr (kZeroPoints)
                            four[n] = rounded_with<kEpilogue != EpilogueCase::any>(
                                static_cast<int32_t>(addend[n]), acc[n], bias[n], multiplier[n]);
                        else
                            four[n] = rounded<kEpilogue>(acc[n], bias[n], multiplier[n], range);
                    }
                    result[r * S::kColumnPitch + first / 4] =
                        first_bytes(tile.columns - first) &
                        pack_rounded<kZeroPoints ? EpilogueCase::small : kEpilogue>(four);
                } else {
                    Y four[4];
#pragma unroll
                    for (int n = 0; n < 4; ++n) {
                        if constexpr (std::is_same_v<Y, float>)
                            four[n] =
                                plus(multiply(biased_sum<kEpilogue != EpilogueCase::any>(acc[n], bias[n]),
                                              multiplier[n]),
                                     addend[n]);
                        else
                            four[n] = wrapping_add(acc[n], static_cast<int32_t>(bias[n]));
                    }
                    if (r >= tile.rows) continue;
                    Y* target = y + r * g.y_stride[3] + first;
                    if (g.y_vector == 16 && first < tile.width) {
                        using Four = std::conditional_t<std::is_same_v<Y, float>, float4, int4>;
                        *reinterpret_cast<Four*>(target) = {four[0], four[1], four[2], four[3]};
                    } else {
#pragma unroll
                        for (int n = 0; n < 4; ++n)
                            if (first + n < tile.width) target[n] = four[n];
                    }
                }
            }
    }
}

// kTransposed: B's columns are dense along k, otherwise its rows along n. kAligned: a, b and their strides
// are multiples of 16.
template <class S, bool kTransposed, bool kAligned, class Y>
__device__ __forceinline__ void run_mma_matmul(const MmaMatMul& g, const int8_t* __restrict__ a,
                                               const int8_t* __restrict__ b, const BatchMatMulEpilogue& e,
                                               const OutputRange& range, Y* __restrict__ y) {
    constexpr int kBufferWords = kTransposed ? S::kTransposedWords : S::kAcrossWords;
    extern __shared__ __align__(16) uint32_t shared[];
    auto& columns = *reinterpret_cast<MmaMatMulColumns<S>*>(shared);
    uint32_t* const buffers = shared + S::kFixedWords;
    const MmaMatMulTile tile = locate<S>(g);
    a += tile.a + tile.row * g.a_stride[3];
    b += tile.b + tile.column * (kTransposed ? g.b_stride[3] : 1);
    y += tile.y;

    int next = 0;
    const auto copy_next = [&] {
        if (next < g.steps) {
            const int first = next * S::kDepth, left = g.k - first;
            uint32_t* const slab_a = buffers + next % S::kBuffers * kBufferWords;
            uint32_t* const slab_b = slab_a + S::kRows * S::kPitch;
            copy_rows<S, S::kRows, false, kAligned>(a + first, g.a_stride[3], tile.rows, left, slab_a);
            if constexpr (kTransposed)
                copy_rows<S, S::kColumns, true, kAligned>(b + first, g.b_stride[3], tile.columns, left,
                                                          slab_b);
            else
                copy_across<S, kAligned>(b + first * g.b_stride[3], g.b_stride[3], left, tile.columns,
                                         slab_b);
        }
        ++next;
        commit_copies();  // empty groups at the end, so that waiting can count them
    };
#pragma unroll 1
    for (int i = 1; i < S::kBuffers; ++i) copy_next();
    const int32_t a_zero_point = zero_point_of_a(e);
    const auto [row_sums, small] = load_columns<S, Y>(g, tile, e, a_zero_point, columns);
    const bool column_sums = a_zero_point != 0;

    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row_warp = warp % S::kRowWarps;
    const int row = row_warp * S::kWarpRows, column = warp / S::kRowWarps * S::kWarpColumns;
    WarpSums<S> sums;
#pragma unroll 1
    for (int step = 0; step < g.steps; ++step) {
        wait_for_copies<S::kBuffers - 2>();
        __syncthreads();  // all parts of the k-tile are there, and the one before is free
        copy_next();
        const uint32_t* const slab_a = buffers + step % S::kBuffers * kBufferWords;
        multiply_slab<S, kTransposed>(
            sums, slab_a + (row + lane % 16) * S::kPitch + lane / 16 * 4, S::kPitch,
            ColumnLoader<S, kTransposed>(slab_a + S::kRows * S::kPitch, column, lane), row_sums, column_sums,
            row_warp, S::kRowWarps);
    }
    if (row_sums) {
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half) sums.rows[i][half] = sum_of_four(sums.rows[i][half]);
    }
    if (column_sums) {
#pragma unroll
        for (int j = 0; j < S::kColumnTiles; ++j) {
            const int32_t sum = sum_of_four(sums.columns[j]);
            if (lane % 4 == 0) atomicAdd(&columns.sum[column + j / 2 * 16 + lane / 4 * 2 + j % 2], sum);
        }
    }
    __syncthreads();
    constexpr bool kInt8 = std::is_same_v<Y, int8_t>;
    const bool is_small = small && !std::is_same_v<Y, int32_t> && (!kInt8 || range.high == 127);
    correct_biases<S>(g, a_zero_point, is_small, columns);
    __syncthreads();  // the buffers are free as well
    const auto finish = [&]<EpilogueCase kEpilogue, bool kZeroPoints = false>() {
        finish_tile<S, Y, kEpilogue, kZeroPoints>(g, tile, sums, columns, row_sums, range, row, column,
                                                  buffers, y);
    };
    if (kInt8 && e.zero_points != nullptr && is_small)
        finish.template operator()<EpilogueCase::small_unbounded, kInt8>();
    else if (kInt8 && e.zero_points != nullptr)
        finish.template operator()<EpilogueCase::any, kInt8>();
    else if (!is_small)
        finish.template operator()<EpilogueCase::any>();
    else if (kInt8 && e.low == -128)
        finish.template operator()<EpilogueCase::small_unbounded>();
    else
        finish.template operator()<EpilogueCase::small>();
    if constexpr (std::is_same_v<Y, int8_t>) {
        __syncthreads();
        store_result<S>(tile.rows, tile.width, g.y_vector, buffers, g.y_stride[3], y);
    }
}

template <class S, bool kTransposed, bool kAligned, class Y>
__global__ void __launch_bounds__(S::kBlockThreads, S::kBlocks)
    mma_matmul_kernel(const __grid_constant__ MmaMatMul g, const int8_t* __restrict__ a,
                      const int8_t* __restrict__ b, const __grid_constant__ BatchMatMulEpilogue e,
                      OutputRange range, Y* __restrict__ y) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
    run_mma_matmul<S, kTransposed, kAligned, Y>(g, a, b, e, range, y);
#endif
}

}  // namespace qudnn::kernels
