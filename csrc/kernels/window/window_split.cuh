// The kernel of window.h where the blocks of a cluster share the depth of a tile. Each adds up a part of all
// sums; then each ends the sums of some of its rows. Sums are integers that wrap, so that their order does
// not matter.
#pragma once

#include "kernels/common/clusters.cuh"
#include "kernels/window/window_mainloop.cuh"
#include "kernels/window/window_sums.cuh"

namespace qudnn::kernels {

constexpr int kMostSplit = 8;  // blocks of a cluster on every GPU that has them

// Stores a lane's sums, in the order of bias_place().
template <class S>
__device__ __forceinline__ void store_sums(const int32_t (&acc)[S::kTiles][S::kColumns / 2], int32_t* sums,
                                           int group_row, int warp) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
    for (int i = 0; i < S::kTiles; ++i)
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int row = group_row + i * 64 + warp * 16 + half * 8 + lane / 4;
            auto* target = reinterpret_cast<int4*>(sums + row * sums_pitch(S::kColumns)) + lane % 4;
#pragma unroll
            for (int j = 0; j < S::kColumns / 16; ++j)
                target[j * 4] = {acc[i][j * 8 + half * 2], acc[i][j * 8 + half * 2 + 1],
                                 acc[i][j * 8 + half * 2 + 4], acc[i][j * 8 + half * 2 + 5]};
        }
}

// The consumer warp `number` of the cluster's block `rank`: mainloop, sum and epilogue of one tile. `start`
// is the first of the buffers of x and w, which the sums replace.
template <class S>
__device__ __forceinline__ void multiply_and_share(const Window& g, const WindowShared& shared,
                                                   uint8_t* start, const OutputRange& range,
                                                   const WindowAddition& addition, int rank, int number,
                                                   int tile, int first_column, int8_t* y) {
    constexpr int kVectors = S::kColumns / 4;  // of a row
    const uint32_t first = static_cast<uint32_t>(tile) * S::kRows;
    const int group_row = number / 4 * S::kTiles * 64;
    int32_t acc[S::kTiles][S::kColumns / 2] = {};
    Ring x(g.x_stages), w(g.w_stages);
    const int row = g.flat ? 0 : static_cast<int>(first - g.pitch.quotient(first) * g.pitch.value);
    add_tile<S>(acc, g, shared, row + group_row, false, x, w);

    any_of(S::kThreads, false);  // all have read the buffers
    auto* const sums = reinterpret_cast<int32_t*>(start);
    store_sums<S>(acc, sums, group_row, number % 4);
    cluster_barrier();

    const int rows = S::kRows / g.split;
    const HeldAddition held(addition);
    with_epilogue<S>(g, false, range, addition, [&]<WindowEpilogue kEpilogue>() {
        for (int i = static_cast<int>(threadIdx.x); i < rows * kVectors; i += S::kThreads) {
            const int row = rank * rows + i / kVectors, vector = i % kVectors;
            const WindowPixel pixel(g, first + row);
            const int column = first_column + column_of_vector<S>(vector);
            if (pixel.place < 0 || column >= g.k) continue;
            const int64_t place = static_cast<int64_t>(pixel.place) * g.k + column;
            uint32_t r_word = 0;
            if constexpr (S::kAdds) r_word = *reinterpret_cast<const uint32_t*>(addition.r + place);
            if constexpr (kEpilogue.constant) r_word = shared.constant[(column - first_column) / 4];
            const uint32_t address = shared_address(sums + row * sums_pitch(S::kColumns) + vector * 4);
            int4 part[kMostSplit];
#pragma unroll
            for (int n = 0; n < kMostSplit; ++n) part[n] = n < g.split ? read_of_block(address, n) : int4{};
            int4 sum = reinterpret_cast<const int4*>(shared.bias + pixel.kind * S::kColumns)[vector];
#pragma unroll
            for (int n = 0; n < kMostSplit; ++n) {
                sum.x = wrapping_add(sum.x, part[n].x), sum.y = wrapping_add(sum.y, part[n].y);
                sum.z = wrapping_add(sum.z, part[n].z), sum.w = wrapping_add(sum.w, part[n].w);
            }
            const float4 m = reinterpret_cast<const float4*>(shared.multiplier)[vector];
            const float values[4] = {scaled<false>(sum.x, m.x), scaled<false>(sum.y, m.y),
                                     scaled<false>(sum.z, m.z), scaled<false>(sum.w, m.w)};
            uint32_t word = ended<S, kEpilogue>(values, r_word, range, addition, held);
            if (S::kFunction && g.looks_up) word = shared.table->look_up(word);
            *reinterpret_cast<uint32_t*>(y + place) = word;
        }
    });
    cluster_barrier();  // until then the others read this block's sums
}

}  // namespace qudnn::kernels
