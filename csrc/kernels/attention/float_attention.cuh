// The kernel of float_attention.h: one block computes kRows rows of one head, each warp a part of them
// for all keys. Q, the scores and Y stay in registers, as the fragments of float_attention_matmuls.cuh.
#pragma once

#include "kernels/attention/float_attention.h"
#include "kernels/attention/float_attention_matmuls.cuh"
#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"

namespace qudnn::kernels {

// What the kernel needs of a problem.
struct FloatAttention {
    int m, n, depth, columns;
    int q_row, k_row, v_row;  // floats, from one row of a head to the next
    Divisor<uint32_t> row_tiles, heads;
    int64_t mask_batch, mask_head;  // floats, from one to the next
    int mask_row, mask_step;
    bool mask_vectors;  // rows of the mask are dense and aligned
    float factor;
    bool nan_to_zero;
};

constexpr float kLog2E = 1.44269504f;
// The logarithm of to_tf32()'s factor, which the weights have from the start.
constexpr float kLog2Tf32 = 7.04269033e-4f, kTf32 = 1.00048828125f;

template <class S>
__device__ __forceinline__ void load_queries(FloatAttentionRows<S>& rows, const FloatAttention& g,
                                             const float* q, int first_row) {
    const int lane = threadIdx.x % 32, t = lane % 4;
#pragma unroll
    for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int row = first_row + i * 16 + half * 8 + lane / 4;
            rows.maximum[i][half] = -INFINITY;
#pragma unroll
            for (int step = 0; step < S::kDepthSteps; step += 2) {
                const int first = step * 8 + t * 4;
                float4 v = {0, 0, 0, 0};
                if (row < g.m && first < g.depth)
                    v = *reinterpret_cast<const float4*>(q + row * int64_t{g.q_row} + first);
                rows.q[i][step][half] = to_tf32(v.x * g.factor);
                rows.q[i][step][half + 2] = to_tf32(v.y * g.factor);
                rows.q[i][step + 1][half] = to_tf32(v.z * g.factor);
                rows.q[i][step + 1][half + 2] = to_tf32(v.w * g.factor);
            }
        }
}

// The mask of the lane's scores, 0 beyond the last key. kVectors: four keys at a time, none beyond the last.
template <class S, bool kVectors>
__device__ __forceinline__ void load_mask(FloatAttentionScores<S>& addends, const FloatAttention& g,
                                          const float* mask, int first_row, int first_key) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int row = min(first_row + i * 16 + half * 8 + lane / 4, g.m - 1);
            const float* const from = mask + row * int64_t{g.mask_row};
#pragma unroll
            for (int group = 0; group < S::kKeys / 16; ++group) {
                const int key = first_key + group * 16 + lane % 4 * 4;
                float four[4] = {};
                if constexpr (kVectors) {
                    const float4 v = *reinterpret_cast<const float4*>(from + key);
                    four[0] = v.x, four[1] = v.y, four[2] = v.z, four[3] = v.w;
                } else {
#pragma unroll
                    for (int n = 0; n < 4; ++n)
                        if (key + n < g.n) four[n] = from[(key + n) * g.mask_step];
                }
#pragma unroll
                for (int n = 0; n < 4; ++n) addends[i][group * 2 + n / 2][half * 2 + n % 2] = four[n];
            }
        }
}

// Turns scores into weights: kTf32 * e^(score - the maximum so far). What the rows hold of earlier keys is
// rescaled to the new maximum.
template <class S>
__device__ __forceinline__ void weigh(FloatAttentionScores<S>& scores, FloatAttentionRows<S>& rows) {
#pragma unroll
    for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float largest = rows.maximum[i][half];
#pragma unroll
            for (const auto& s : scores[i]) largest = fmaxf(largest, fmaxf(s[half * 2], s[half * 2 + 1]));
#pragma unroll
            for (int other = 1; other < 4; other *= 2)
                largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, other));
            // In a row that is masked by minus infinity so far, weights are 0, not NaN.
            const float origin = largest == -INFINITY ? 0 : largest;
            const float scale = power_of_two((rows.maximum[i][half] - origin) * kLog2E);
            rows.maximum[i][half] = largest;
            float sum = rows.sum[i][half] * scale;
#pragma unroll
            for (auto& s : scores[i])
#pragma unroll
                for (int n = half * 2; n < half * 2 + 2; ++n) {
                    s[n] = power_of_two(fused_multiply_add(s[n] - origin, kLog2E, kLog2Tf32));
                    sum += s[n];
                }
            rows.sum[i][half] = sum;
#pragma unroll
            for (auto& y : rows.y[i]) y[half * 2] *= scale, y[half * 2 + 1] *= scale;
        }
}

template <class S>
__device__ __forceinline__ void store_rows(const FloatAttentionRows<S>& rows, const FloatAttention& g,
                                           float* y, int first_row) {
    const int lane = threadIdx.x % 32;
    const int64_t y_row = int64_t{g.heads.value} * g.columns;
#pragma unroll
    for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float sum = rows.sum[i][half];
#pragma unroll
            for (int other = 1; other < 4; other *= 2) sum += __shfl_xor_sync(~0u, sum, other);
            const float inverse = kTf32 / sum;
            const bool none = g.nan_to_zero && !(sum > 0);
            const int row = first_row + i * 16 + half * 8 + lane / 4;
            if (row >= g.m) continue;
#pragma unroll
            for (int tile = 0; tile < S::kColumnTiles; tile += 4)
#pragma unroll
                for (int n = 0; n < 2; ++n) {
                    const int column = tile * 8 + lane % 4 * 8 + n * 4;
                    if (column >= g.columns) continue;
                    float4 v;
                    v.x = rows.y[i][tile][half * 2 + n] * inverse;
                    v.y = rows.y[i][tile + 1][half * 2 + n] * inverse;
                    v.z = rows.y[i][tile + 2][half * 2 + n] * inverse;
                    v.w = rows.y[i][tile + 3][half * 2 + n] * inverse;
                    if (none) v = {0, 0, 0, 0};
                    *reinterpret_cast<float4*>(y + row * y_row + column) = v;
                }
        }
}

template <class S, bool kMasked>
__device__ __forceinline__ void run_float_attention(const FloatAttention& g,
                                                    const FloatAttentionTensors& tensors) {
    extern __shared__ __align__(16) uint32_t shared[];
    uint32_t rest = blockIdx.x;
    const auto block_row = static_cast<int>(split(rest, g.row_tiles)) * S::kRows;
    const int64_t head = split(rest, g.heads), batch = rest;
    const int first_row = block_row + static_cast<int>(threadIdx.x / 32) * S::kWarpRows;

    TileCopy<S> keys(tensors.k + batch * g.n * g.k_row + head * g.depth, g.k_row, g.n, g.depth, key_swizzle);
    TileCopy<S> values(tensors.v + batch * g.n * g.v_row + head * g.columns, g.v_row, g.n, g.columns,
                       value_swizzle);
    const auto copy = [&](int first_key, int stage) {
        uint32_t* const to = shared + stage * S::kStageWords;
        if (first_key < g.n) keys.next(to), values.next(to + S::kTileWords);
        commit_copies();  // empty groups at the end, so that waiting can count them
    };
#pragma unroll
    for (int stage = 0; stage < S::kStages - 1; ++stage) copy(stage * S::kKeys, stage);
    FloatAttentionRows<S> rows;
    load_queries(rows, g, tensors.q + batch * g.m * g.q_row + head * g.depth, first_row);
    const float* mask = nullptr;
    if constexpr (kMasked) mask = tensors.mask.data + batch * g.mask_batch + head * g.mask_head;

    int stage = 0;
#pragma unroll 1
    for (int key = 0; key < g.n; key += S::kKeys) {
        FloatAttentionScores<S> scores = {}, addends;
        if constexpr (kMasked) {
            if (g.mask_vectors && key + S::kKeys <= g.n)
                load_mask<S, true>(addends, g, mask, first_row, key);
            else
                load_mask<S, false>(addends, g, mask, first_row, key);
        }
        wait_for_copies<S::kStages - 2>();
        __syncthreads();  // all parts of the stage are there, and the stage before is free
        copy(key + (S::kStages - 1) * S::kKeys, stage == 0 ? S::kStages - 1 : stage - 1);
        const uint32_t* const tile = shared + stage * S::kStageWords;
        if (++stage == S::kStages) stage = 0;
        multiply_keys<S>(scores, rows, tile);
        const int left = g.n - key - static_cast<int>(threadIdx.x % 4) * 4;
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int j = 0; j < S::kKeyTiles; ++j)
#pragma unroll
                for (int n = 0; n < 4; ++n) {
                    if constexpr (kMasked) scores[i][j][n] += addends[i][j][n];
                    if (j / 2 * 16 + j % 2 * 2 + n % 2 >= left) scores[i][j][n] = -INFINITY;
                }
        weigh<S>(scores, rows);
        multiply_values<S>(rows, scores, tile + S::kTileWords);
    }
    const int64_t y_head = batch * g.m * g.heads.value + head;
    store_rows(rows, g, tensors.y + y_head * g.columns, first_row);
}

template <class S, bool kMasked>
__global__ void __launch_bounds__(S::kBlockThreads, S::kBlocks)
    float_attention_kernel(const __grid_constant__ FloatAttention g, const FloatAttentionTensors tensors) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
    run_float_attention<S, kMasked>(g, tensors);
#endif
}

}  // namespace qudnn::kernels
