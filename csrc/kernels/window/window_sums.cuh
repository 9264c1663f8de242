// The prologue of window.h's kernel: what it does before the first tile.
#pragma once

#include "kernels/window/window_epilogue.cuh"

namespace qudnn::kernels {

// Whether all possible sums of the block's weights and its biases are small, and multipliers moderate. All
// weights are in shared memory.
template <class S>
__device__ __forceinline__ bool sums_are_small(const Window& g, const WindowShared& shared,
                                               const uint8_t* weights, const int32_t* biases,
                                               const float* multipliers, int first) {
    constexpr int kParts = S::kThreads / S::kColumns;  // threads of a column
    const int column = threadIdx.x / kParts, part = threadIdx.x % kParts;
    bool large = false;
    int sum = 0;
    if (column < S::kColumns) {
        for (int stage = 0; stage < g.w_stages; ++stage) {
            const uint8_t* row = weights + stage * g.w_bytes + column * g.width;
            for (int i = part; i < g.width / 16; i += kParts) {
                const uint4 v = *reinterpret_cast<const uint4*>(row + (i + column) % (g.width / 16) * 16);
                sum = add_magnitudes(sum, v);
            }
        }
    }
    for (int i = 1; i < kParts; i *= 2) sum += __shfl_xor_sync(~0u, sum, i);
    if (const int at = first + column; column < S::kColumns && at < g.k) {
        large |= !(fabsf(multipliers[at]) <= 1.0f);
        for (int kind = part; kind < g.kinds; kind += kParts)
            large |= !is_small_sum(sum, biases[kind * g.k + at]);
    }
    return !any_of(S::kThreads, large);
}

// Where sums start and what they are multiplied by, in shared memory, before the first tile; whether
// sums_are_small().
template <class S>
__device__ __forceinline__ bool prepare_sums(const Window& g, const WindowShared& shared,
                                             const uint8_t* weights, const Epilogue& epilogue,
                                             const int32_t* biases, const WindowAddition& addition, int tile,
                                             int first_column) {
    constexpr int kWorthwhile = 4;  // tiles to look at the weights for

    bool small = false;
    if (!S::kSplit && !(S::kFunction && g.adds_constant) && g.resident &&
        (S::kAdds ? epilogue.low == -128 : epilogue.high == 127) &&
        (g.tiles - tile) / g.tile_step >= kWorthwhile) {
        for (int stage = 0; stage < g.w_stages; ++stage) wait_for(shared.w_full + stage * 8, 0);
        small = sums_are_small<S>(g, shared, weights, biases, epilogue.multiplier, first_column);
    }
    for (int i = threadIdx.x; i < g.kinds * S::kColumns; i += S::kThreads) {
        const int kind = i / S::kColumns, column = i % S::kColumns, at = first_column + column;
        const int place = bias_place<S>(column);
        shared.bias[kind * S::kColumns + place] =
            wrapping_add(at < g.k ? biases[kind * g.k + at] : 0, small ? kSumOrigin : 0);
        if (kind == 0) shared.multiplier[place] = at < g.k ? epilogue.multiplier[at] : 0.0f;
    }
    if constexpr (S::kFunction) {
        for (int i = threadIdx.x; i < S::kColumns / 4 && g.adds_constant; i += S::kThreads) {
            const int at = first_column + i * 4;
            shared.constant[i] = at < g.k ? *reinterpret_cast<const uint32_t*>(addition.r + at) : 0;
        }
        if (g.looks_up) shared.table->load(epilogue.table, threadIdx.x / 32, S::kWarps);
    }
    any_of(S::kThreads, false);

    // Otherwise, all blocks of a multiprocessor would multiply at the same time, then store at the same time.
    if (blockIdx.x >= gridDim.x / 2) __nanosleep(g.delay);
    return small;
}

}  // namespace qudnn::kernels
