// Layer normalization at the border of an island of rows that a warp keeps in registers.
#pragma once

#include "kernels/common/gpu.h"
#include "kernels/norm/kept_row.cuh"
#include "kernels/norm/to_island.cuh"

namespace qudnn::kernels {

constexpr int kKeptWarps = 4;  // of a block, a row each

// Blocks that share a multiprocessor, which bounds the registers. kMany: of rows that are too many for
// others.
template <int kSteps, bool kMany>
constexpr int kKeptBlocks = kMany ? (kSteps <= 6 ? 8 : 5) : (kSteps <= 6 ? 5 : 4);

// Of aligned rows of up to kSteps * kStepChannels; q's scale is none of RowQuantizer::plain.
template <int kSteps, bool kMany, typename Source>
__global__ void __launch_bounds__(kKeptWarps * 32, kKeptBlocks<kSteps, kMany>)
    normalize_kept_rows(const __grid_constant__ ToIsland k, const __grid_constant__ Source source) {
    __shared__ Chains<kSteps> chains_of_warps[kKeptWarps];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int64_t row = int64_t{blockIdx.x} * kKeptWarps + warp;
    if (row >= k.rows) return;
    float values[kSteps * 4];
    normalize_kept_row<!kMany>(k, source, row, chains_of_warps[warp], values);
#pragma unroll
    for (int s = 0; s < kSteps; ++s) {
        const int c = s * kStepChannels + lane * 4;
        if (c >= k.channels) break;
        k.store_four<false>(row, c, {values[s * 4], values[s * 4 + 1], values[s * 4 + 2], values[s * 4 + 3]});
    }
    k.fill(row, lane, 32);
}

template <int kSteps, typename Source>
cudaError_t launch_kept_steps(const ToIsland& k, const Source& source, cudaStream_t stream) {
    const int64_t blocks = ceil_div(k.rows, kKeptWarps);
    const bool many = blocks > int64_t{kKeptBlocks<kSteps, false>} * current_gpu().multiprocessors;
    const auto kernel =
        many ? normalize_kept_rows<kSteps, true, Source> : normalize_kept_rows<kSteps, false, Source>;
    return launch(kernel, blocks, kKeptWarps * 32, stream, k, source);
}

// Of rows of 8 to kMostKept channels, fewer than what a grid may have.
template <typename Source>
cudaError_t launch_kept_rows(const ToIsland& k, const Source& source, cudaStream_t stream) {
    if (k.channels <= 4 * kStepChannels) return launch_kept_steps<4>(k, source, stream);
    if (k.channels <= 6 * kStepChannels) return launch_kept_steps<6>(k, source, stream);
    return launch_kept_steps<8>(k, source, stream);
}

}  // namespace qudnn::kernels
