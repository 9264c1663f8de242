// The kernel of pointwise.h: a matmul that reads x as a stream.
//
// A block keeps the weights of its columns in shared memory while tiles of x pass through a ring of buffers,
// filled several stages ahead; each warp multiplies some rows of a tile by some of the columns. Besides
// memory, the epilogue bounds such matmuls, so it is kept short.
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/common/common.cuh"
#include "kernels/common/dependent_launch.cuh"
#include "kernels/common/lane_tables.cuh"
#include "kernels/common/padded_images.cuh"
#include "kernels/epilogue/epilogue_case.cuh"
#include "kernels/gemm/pointwise_copies.cuh"

namespace qudnn::kernels {

// Stores a warp's results, of the tile's rows from `first` on, to y, whose columns from `left` on they are.
template <class S, EpilogueCase kEpilogue, bool kLooksUp>
__device__ __forceinline__ void store_tile(const Pointwise& g,
                                           const int32_t (&acc)[S::kRowTiles][S::kColumnTiles][4],
                                           const uint32_t* bias, const float* multiplier,
                                           const OutputRange& range, const LaneTables& table, int8_t* y,
                                           int first, int left) {
    // Columns 2 t and 2 t + 1 of all mmas are neighbouring output channels, so that a lane's results lie
    // side by side in y.
    constexpr int kWords = S::kColumnTiles / 2;
    const int row = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    uint32_t words[S::kRowTiles][2][kWords];
#pragma unroll
    for (int j = 0; j < kWords; ++j) {
        const uint4 four_biases = reinterpret_cast<const uint4*>(bias)[t * kWords + j];
        const float4 four_multipliers = reinterpret_cast<const float4*>(multiplier)[t * kWords + j];
        const uint32_t b[4] = {four_biases.x, four_biases.y, four_biases.z, four_biases.w};
        const float m[4] = {four_multipliers.x, four_multipliers.y, four_multipliers.z, four_multipliers.w};
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                int32_t r[4];
#pragma unroll
                for (int n = 0; n < 4; ++n)
                    r[n] = rounded<kEpilogue>(acc[i][2 * j + n / 2][2 * half + n % 2], b[n], m[n], range);
                words[i][half][j] = pack_rounded<kEpilogue>(r);
            }
    }
    if constexpr (kLooksUp) {
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half)
#pragma unroll
                for (uint32_t& word : words[i][half]) word = table.look_up(word);
    }
    const int column = left + t * kWords * 4;
    if (column >= g.k) return;
    const auto store = [&](const auto& place) {
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int r = first + i * 16 + half * 8 + row;
                if (r >= g.m) continue;
                const auto& word = words[i][half];
                int8_t* target = y + place(r) * g.k + column;
                if constexpr (kWords == 4)
                    *reinterpret_cast<uint4*>(target) = {word[0], word[1], word[2], word[3]};
                else
                    *reinterpret_cast<uint2*>(target) = {word[0], word[1]};
            }
    };
    if (g.pads_output)
        store([&](int r) { return g.y.place(static_cast<uint32_t>(r)); });
    else
        store([](int r) { return static_cast<int64_t>(r); });
}

// acc (+)= x * w of one step. x and w: what the lane has load_matrices() read.
template <class S, bool kFirst>
__device__ __forceinline__ void multiply_step(int32_t (&acc)[S::kRowTiles][S::kColumnTiles][4],
                                              const uint32_t* x, const uint32_t* w) {
#pragma unroll
    for (int depth = 0; depth < S::kDepth; depth += 32) {
        uint32_t a[S::kRowTiles][4];
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i) load_matrices(a[i], x + i * 16 * S::kPitch + depth / 4);
#pragma unroll
        for (int j = 0; j < S::kColumnTiles; j += 2) {
            uint32_t both[4];
            load_matrices(both, w + j * 8 * S::kPitch + depth / 4);
#pragma unroll
            for (int n = 0; n < 2; ++n) {
                const uint32_t b[2] = {both[2 * n], both[2 * n + 1]};
#pragma unroll
                for (int i = 0; i < S::kRowTiles; ++i) {
                    if (kFirst && depth == 0)
                        multiply(acc[i][j + n], kSumOrigin, a[i], b);
                    else
                        multiply_add(acc[i][j + n], a[i], b);
                }
            }
        }
    }
}

// Whether all sums that the weights may give, and the biases, are small, and multipliers moderate.
template <class S>
__device__ __forceinline__ bool sums_are_small(const Pointwise& g, const Epilogue& epilogue, int first,
                                               const uint32_t* weights) {
    bool large = false;
    for (int place = threadIdx.x / 32; place < S::kColumns; place += S::kBlockThreads / 32) {
        int sum = 0;
        for (int step = 0; step < g.steps; ++step)
            if (const int i = threadIdx.x % 32; i < S::kDepth / 4) {
                const uint32_t word = weights[(step * S::kColumns + place) * S::kPitch + i];
                const uint32_t signs = (word & 0x80808080u) >> 7;  // each becomes 1 or -1
                sum = __dp4a(static_cast<int>(word), static_cast<int>(0x01010101u | signs * 255), sum);
            }
        sum = __reduce_add_sync(~0u, sum);
        if (first + place < g.k)
            large |= !is_small_sum(sum, epilogue.bias[first + place]) ||
                     !(fabsf(epilogue.multiplier[first + place]) <= 1.0f);
    }
    return !__syncthreads_or(large);
}

template <class S, bool kLooksUp>
__device__ __forceinline__ void run_pointwise(const Pointwise& g, const int8_t* x,
                                              const int8_t* __restrict__ w, const Epilogue& epilogue,
                                              const OutputRange& range, int8_t* __restrict__ y) {
    constexpr int kBufferWords = S::kRows * S::kPitch, kWorthwhile = 4;  // tiles to look at the weights for
    extern __shared__ __align__(16) uint32_t shared[];
    uint32_t* const bias = shared;
    auto* const multiplier = reinterpret_cast<float*>(shared + S::kColumns);
    uint32_t *const weights = shared + 2 * S::kColumns, *const buffers =
                                                            weights + g.steps * S::kColumns * S::kPitch;
    auto& table = *reinterpret_cast<LaneTables*>(buffers + S::kBuffers * kBufferWords);
    const int first = static_cast<int>(blockIdx.x) % g.column_blocks * S::kColumns;
    int tile = static_cast<int>(blockIdx.x) / g.column_blocks;

    // What is constant comes before the wait for x.
    let_next_kernel_start();
    copy_weights<S>(g, w, first, weights);
    commit_copies();
    if constexpr (kLooksUp) table.load(epilogue.table);
    wait_for_kernels_before();
    int next_tile = tile, next_step = 0, next_buffer = 0;
    const auto copy_next = [&] {
        copy_rows<S>(g, x, next_tile, next_step, buffers + next_buffer * kBufferWords);
        commit_copies();
        if (++next_step == g.steps) next_step = 0, next_tile += g.tile_step;
        if (++next_buffer == S::kBuffers) next_buffer = 0;
    };
#pragma unroll
    for (int i = 1; i < S::kBuffers; ++i) copy_next();
    if (g.pads_output) write_padding(g.y, g.k / 16, epilogue.padding(), reinterpret_cast<uint4*>(y));

    EpilogueCase epilogue_case = EpilogueCase::any;
    if (range.high == 127 && (g.tiles - tile) / g.tile_step >= kWorthwhile) {
        wait_for_copies<S::kBuffers - 1>();
        __syncthreads();
        if (sums_are_small<S>(g, epilogue, first, weights))
            epilogue_case = epilogue.low == -128 ? EpilogueCase::small_unbounded : EpilogueCase::small;
    }
    for (int i = threadIdx.x; i < S::kColumns; i += S::kBlockThreads) {
        const bool valid = first + i < g.k;
        const int32_t value = valid ? epilogue.bias[first + i] : 0;
        bias[i] = bias_word(value, epilogue_case != EpilogueCase::any);
        multiplier[i] = valid ? epilogue.multiplier[first + i] : 0.0f;
    }

    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int row = warp % S::kRowWarps * S::kWarpRows, column = warp / S::kRowWarps * S::kWarpColumns;
    const uint32_t* const lane_x = buffers + (row + lane % 16) * S::kPitch + lane / 16 * 4;
    const uint32_t* const lane_w =
        weights + (column + lane / 16 * 8 + lane % 8) * S::kPitch + lane / 8 % 2 * 4;
    int buffer = 0;
    const auto advance = [&] {  // to the next step of x
        wait_for_copies<S::kBuffers - 2>();
        __syncthreads();  // all parts of it are there, and the step before is free
        copy_next();
        const uint32_t* source = lane_x + buffer * kBufferWords;
        if (++buffer == S::kBuffers) buffer = 0;
        return source;
    };
    for (; tile < g.tiles; tile += g.tile_step) {
        int32_t acc[S::kRowTiles][S::kColumnTiles][4];
        multiply_step<S, true>(acc, advance(), lane_w);
        for (int step = 1; step < g.steps; ++step)
            multiply_step<S, false>(acc, advance(), lane_w + step * S::kColumns * S::kPitch);

        const int top = tile * S::kRows + row, left = first + column;
        const auto store = [&]<EpilogueCase kEpilogue>() {
            store_tile<S, kEpilogue, kLooksUp>(g, acc, bias + column, multiplier + column, range, table, y,
                                               top, left);
        };
        if (epilogue_case == EpilogueCase::small_unbounded)
            store.template operator()<EpilogueCase::small_unbounded>();
        else if (epilogue_case == EpilogueCase::small)
            store.template operator()<EpilogueCase::small>();
        else
            store.template operator()<EpilogueCase::any>();
    }
}

// kBlocks share a multiprocessor, which bounds the registers. kLooksUp: results, in a table.
template <class S, int kBlocks, bool kLooksUp>
__global__ void __launch_bounds__(S::kBlockThreads, kBlocks)
    pointwise_kernel(const __grid_constant__ Pointwise g, const int8_t* x, const int8_t* __restrict__ w,
                     Epilogue epilogue, OutputRange range, int8_t* __restrict__ y) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
    run_pointwise<S, kLooksUp>(g, x, w, epilogue, range, y);
#endif
}

}  // namespace qudnn::kernels
