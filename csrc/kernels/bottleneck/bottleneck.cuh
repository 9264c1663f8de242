// The kernel of bottleneck.h.
//
// A task of a cluster is some lines of an image, of which each of its blocks computes a share of the channels
// of every step. What a block gets from the first and from the second step it writes to its own memory, from
// where it is copied to that of all blocks of the cluster: the next step reads all channels. The first step
// computes the lines next to the cluster's, too; its results lie in memory as lines with a column of padding
// between them, so that what a tap of the window reads is the same matrix, shifted by some rows.
//
// Matrices of what lies between have rows of a block's channels, one matrix for each block of the cluster.
//
// One warp fills the buffers of x, one those of weights, the others multiply: two groups of four warps, each
// of which takes every other 64 rows or, where there are no more than 64, half of their depth. Clusters take
// one task after the other. What is copied to a block for the next one finds there what all of the block's
// warps have read: copies of a step start when all blocks have sent their results of the step that reads what
// was there, or of the step after that.
#pragma once

#include "kernels/bottleneck/bottleneck_copies.cuh"
#include "kernels/bottleneck/bottleneck_results.cuh"
#include "kernels/common/dependent_launch.cuh"

namespace qudnn::kernels {

// The first step.
template <class S>
__device__ __forceinline__ void reduce(const BottleneckTask& t, const BottleneckShared& shared,
                                       const BottleneckBand& band, const OutputRange& range, int number,
                                       BottleneckRings& rings) {
    using B = typename S::Between;
    const int group = number / 4, lane = static_cast<int>(threadIdx.x) % 32;
    int32_t acc[S::kTiles][S::kColumns / 2];
#pragma unroll
    for (int i = 0; i < S::kTiles; ++i) start_between<S, S::kSharesDepth>(acc[i], shared.bias[0]);
    with_width(t.x_width, [&]<int kWidth>() { add_x<S, kWidth>(acc, t, shared, group, rings); });

    int8_t* const slice = shared.slice(shared.reduced, band.rank * t.reduced_rows * S::kColumns);
#pragma unroll
    for (int i = 0; i < S::kTiles; ++i)
        end_between<S, S::kSharesDepth>(
            acc[i], shared, 0, range, number, [&](int row_of_tile, LaneVector<B::kWords>& v) {
                const int tile = S::kSharesDepth ? 0 : i * S::kGroups + group;
                uint32_t line = tile * 64 + row_of_tile;
                const auto column = static_cast<int>(split(line, t.columns));
                const int of_image = band.first_x_line + static_cast<int>(line);
                if (static_cast<int>(line) >= t.x_lines) return;
                if (of_image < 0 ||
                    of_image >= t.h)  // padding; another task may have had something else there
                    for (uint32_t& word : v.word) word = splat(t.window_zero_point);
                const int row = t.reduced_row(static_cast<int>(line), column + 1);
                v.write(slice + exchanged<S::kColumns>(row * S::kColumns + lane % 4 * (S::kColumns / 4)));
            });
    send<S>(t, shared.reduced + band.rank * t.reduced_rows * S::kColumns, t.reduced_rows * S::kColumns,
            shared.reduced_full, band.rank);
}

// The second step.
template <class S>
__device__ __forceinline__ void run_window(const BottleneckTask& t, const BottleneckShared& shared,
                                           const BottleneckBand& band, const OutputRange& range, int number,
                                           int parity, BottleneckRings& rings) {
    using B = typename S::Between;
    constexpr int kBytes = S::kWindowRows * S::kColumns;  // of a block's results
    const int group = number / 4, lane = static_cast<int>(threadIdx.x) % 32;
    int32_t acc[S::kColumns / 2];
    start_between<S, S::kWindowSharesDepth>(acc, shared.bias[1]);
    if (t.keeps_weights) wait_for_kept_weights(t, shared);
    wait_for(shared.reduced_full, parity);
    with_width(t.m_width, [&]<int kWidth>() {
        t.keeps_weights ? add_taps<S, kWidth, true>(acc, t, shared, group, rings)
                        : add_taps<S, kWidth, false>(acc, t, shared, group, rings);
    });

    int8_t* const slice = shared.slice(shared.window, band.rank * kBytes);
    end_between<S, S::kWindowSharesDepth>(
        acc, shared, 1, range, number, [&](int row_of_tile, const LaneVector<B::kWords>& v) {
            const int row = (S::kWindowSharesDepth ? 0 : group * 64) + row_of_tile;
            v.write(slice + exchanged<S::kColumns>(row * S::kColumns + lane % 4 * (S::kColumns / 4)));
        });
    send<S>(t, shared.window + band.rank * kBytes, kBytes, shared.window_full, band.rank);
}

// The last step.
template <class S>
__device__ __forceinline__ void expand(const BottleneckTask& t, const BottleneckShared& shared,
                                       const BottleneckBand& band, const OutputRange& range,
                                       const WindowAddition& addition, int number, int parity, int8_t* y) {
    using L = typename S::Last;
    using Vector = LaneVector<L::kWords>;
    const int group = number / 4, lane = static_cast<int>(threadIdx.x) % 32;
    const int tile = S::kWindowTiles > 1 ? group : 0, first_pass = S::kWindowTiles > 1 ? 0 : group;
    const int first_column = band.rank * t.passes * kLastColumns + lane % 4 * 16;
    int64_t place[2];  // in y, negative where the row is no pixel
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        uint32_t line = tile * 64 + number % 4 * 16 + half * 8 + lane / 4;
        const auto column = static_cast<int>(split(line, t.pitch));
        const int of_image = band.first_line + static_cast<int>(line);
        const bool valid = static_cast<int>(line) < t.lines && of_image < t.p && column < t.q;
        const int64_t pixel = (static_cast<int64_t>(band.image) * t.p + of_image) * t.q + column;
        place[half] = valid ? pixel * t.k + first_column : -1;
    }
    constexpr int kStep = S::kWindowTiles > 1 ? 1 : S::kGroups;  // from a group's pass to its next
    const auto read_residual = [&](int half, int pass) {
        return place[half] < 0 || pass >= t.passes
                   ? Vector{}
                   : Vector::read(addition.r + place[half] + pass * kLastColumns);
    };
    Vector v[2] = {read_residual(0, first_pass), read_residual(1, first_pass)}, next[2] = {};
    const HeldAddition held(addition);
    wait_for(shared.last_w_full, 0);
    wait_for(shared.window_full, parity);
    // No block ends while others copy from its memory: all have got what it sent.
    if (t.blocks > 1 && band.is_last) arrive_without_order();
#pragma unroll 1
    for (int pass = first_pass; pass < t.passes; pass += kStep) {
        int32_t acc[kLastColumns / 2];
        start_sums<L>(acc, shared.bias[2] + pass * kLastColumns);
        next[0] = read_residual(0, pass + kStep), next[1] = read_residual(1, pass + kStep);
        with_width(t.m_width, [&]<int kWidth>() { add_last<S, kWidth>(acc, t, shared, tile, pass); });
        with_addition(false, addition, [&]<WindowEpilogue kEpilogue>() {
            end_sums<L, kEpilogue>(acc, 0, shared.multiplier[2] + pass * kLastColumns, range, addition, held,
                                   v);
        });
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            if (place[half] >= 0) v[half].write(y + place[half] + pass * kLastColumns);
            v[half] = next[half];
        }
    }
}

// A step's biases and multipliers; so many columns of these for each block.
template <class S>
__device__ __forceinline__ void prepare_step(const BottleneckEnd& end, int rank, int columns, int32_t* bias,
                                             float* multiplier) {
    for (int i = static_cast<int>(threadIdx.x); i < columns; i += kBottleneckThreads) {
        const int place = i / S::kColumns * S::kColumns + bias_place<S>(i % S::kColumns);
        bias[place] = end.bias[rank * columns + i];
        multiplier[place] = end.multiplier[rank * columns + i];
    }
}

// What does not depend on x: biases, multipliers, padding.
template <class S>
__device__ __forceinline__ void prepare(const BottleneckTask& t, const BottleneckShared& shared,
                                        const BottleneckEnds& ends, int rank, uint4* reduced) {
    prepare_step<typename S::Between>(ends.of[0], rank, S::kColumns, shared.bias[0], shared.multiplier[0]);
    prepare_step<typename S::Between>(ends.of[1], rank, S::kColumns, shared.bias[1], shared.multiplier[1]);
    prepare_step<typename S::Last>(ends.of[2], rank, t.passes * kLastColumns, shared.bias[2],
                                   shared.multiplier[2]);
    const uint4 padding = splat_vector<uint4>(t.window_zero_point);
    const int vectors = t.reduced_rows * S::kColumns / 16;
    for (int i = static_cast<int>(threadIdx.x); i < vectors; i += kBottleneckThreads)
        reduced[rank * vectors + i] = padding;
}

template <class S>
__global__ void __launch_bounds__(kBottleneckThreads, kMostResident)
    bottleneck_kernel(const __grid_constant__ BottleneckTask t, const __grid_constant__ BottleneckMaps maps,
                      const __grid_constant__ BottleneckEnds ends, WindowAddition addition, int8_t* y) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    extern __shared__ uint8_t dynamic[];
    uint8_t* const start = dynamic + (-shared_address(dynamic) & 1023);
    const BottleneckShared shared(t, S::kColumns, start);
    if (threadIdx.x == 0) {
        for (int i = 0; i < t.x_stages; ++i)
            start_barrier(shared.x_full + i * 8, 1), start_barrier(shared.x_empty + i * 8, S::kWarps);
        for (int i = 0; i < t.w_stages; ++i)
            start_barrier(shared.w_full + i * 8, 1), start_barrier(shared.w_empty + i * 8, S::kWarps);
        start_barrier(shared.last_w_full, 1);
        start_barrier(shared.reduced_full, 1), start_barrier(shared.window_full, 1);
        publish_barriers();
    }
    let_next_kernel_start();
    prepare<S>(t, shared, ends, static_cast<int>(blockIdx.x) % t.blocks,
               reinterpret_cast<uint4*>(start + (shared.reduced - shared.x)));
    publish_writes();
    __syncthreads();
    // Of blocks that are launched without a cluster it ends when all have come to its second step, too, which
    // those that copy do last.
    const bool is_cluster = t.blocks > 1;
    if (is_cluster) arrive_at_cluster();
    const int warp = __shfl_sync(~0u, static_cast<int>(threadIdx.x) / 32, 0);
    if (warp >= S::kWarps) {
        if (threadIdx.x == S::kThreads) {
            prefetch_map(maps.x);
            wait_for_kernels_before();
            copy_x<S>(t, maps, shared);
        } else if (threadIdx.x == S::kThreads + 32) {
            copy_weights<S>(t, maps, shared);
        }
        __syncwarp();
        if (is_cluster) wait_for_cluster(), arrive_without_order();
    } else {
        if (is_cluster) wait_for_cluster();  // all blocks run, and their barriers are there
        wait_for_kernels_before();
        BottleneckRings rings(t, shared);
        for_tasks(t, [&](const BottleneckBand& band, int parity) {
            reduce<S>(t, shared, band, ends.of[0].range, warp, rings);
            run_window<S>(t, shared, band, ends.of[1].range, warp, parity, rings);
            expand<S>(t, shared, band, ends.of[2].range, addition, warp, parity, y);
        });
    }
    if (is_cluster) wait_for_cluster();
#endif
}

}  // namespace qudnn::kernels
