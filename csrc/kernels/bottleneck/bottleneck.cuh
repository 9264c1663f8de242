// The kernel of bottleneck.h.
//
// A cluster computes some lines of an image, each of its blocks a share of the channels of every step. What a
// block gets from the first and from the second step it writes to the memory of all blocks of the cluster,
// where the next step reads all channels. The first step computes the lines next to the cluster's, too; its
// results lie in memory as lines with a column of padding between them, so that what a tap of the window
// reads is the same matrix, shifted by some rows.
//
// Matrices of what lies between have rows of a block's channels, one matrix for each block of the cluster.
//
// One warp fills the buffers of x and weights, the others multiply: two groups of four warps, each of which
// takes every other 64 rows.
#pragma once

#include "kernels/bottleneck/bottleneck_task.cuh"
#include "kernels/common/clusters.cuh"
#include "kernels/common/dependent_launch.cuh"
#include "kernels/window/window_epilogue.cuh"

namespace qudnn::kernels {

// What the blocks of a cluster have in common.
struct BottleneckBand {
    int rank;               // of the block
    int image, first_line;  // of y
    int first_x_line;       // that windows reach, -1 where that is padding

    __device__ explicit BottleneckBand(const BottleneckTask& t) {
        const int block = static_cast<int>(blockIdx.x), cluster = block / t.blocks;
        rank = block % t.blocks;
        image = cluster / t.bands, first_line = cluster % t.bands * t.lines;
        first_x_line = (first_line << t.log_stride) - 1;
    }
};

// The offset of a byte in a matrix of rows of kWidth bytes as mmas read it: see hopper.cuh.
template <int kWidth>
__device__ __forceinline__ uint32_t exchanged(uint32_t offset) {
    return offset ^ (offset >> 7 & (kWidth / 16 - 1)) << 4;
}

// --- The producer.

// Weights of the first two steps in the order in which they are needed: `number` of them.
template <class S>
__device__ __forceinline__ void load_step(const BottleneckTask& t, const BottleneckMaps& maps,
                                          const BottleneckShared& shared, int rank, int number, int stage) {
    const uint32_t ready = shared.w_full + stage * 8, target = shared.w + stage * t.w_bytes;
    if (number < t.x_widths) {
        arrive_announcing(ready, S::kColumns * t.x_width);
        copy_box(target, maps.w[0], ready, number * t.x_width, 0, 0, 0, rank);
    } else {
        const int width = (number - t.x_widths) / kBottleneckTaps,
                  tap = (number - t.x_widths) % kBottleneckTaps;
        arrive_announcing(ready, S::kColumns * t.m_width);
        copy_box(target, maps.w[1], ready, (tap * t.m_widths + width) * t.m_width, 0, 0, 0, rank);
    }
}

template <class S>
__device__ __forceinline__ void fill_bottleneck(const BottleneckTask& t, const BottleneckMaps& maps,
                                                const BottleneckShared& shared, const BottleneckBand& band) {
    const int all = t.x_widths + kBottleneckTaps * t.m_widths;
    int number = 0;
    for (; number < t.w_stages && number < all; ++number)
        load_step<S>(t, maps, shared, band.rank, number, number);
    arrive_announcing(shared.last_w_full, t.passes * kLastColumns * t.m_widths * t.m_width);
    for (int pass = 0; pass < t.passes; ++pass)
        for (int width = 0; width < t.m_widths; ++width)
            copy_box(shared.last_w + (pass * t.m_widths + width) * kLastColumns * t.m_width, maps.w[2],
                     shared.last_w_full, width * t.m_width, 0, 0, 0, band.rank * t.passes + pass);
    prefetch_map(maps.x);
    wait_for_kernels_before();

    // All images are one after the other.
    const int first_row = (band.image * t.h + band.first_x_line) * t.w;
    Ring x(t.x_stages), w(t.w_stages);
    const auto load_next = [&] {
        wait_for(shared.w_empty + w.stage * 8, w.parity);
        load_step<S>(t, maps, shared, band.rank, number++, w.stage);
        w.advance();
    };
    for (int width = 0; width < t.x_widths; ++width, x.advance()) {
        wait_for(shared.x_empty + x.stage * 8, x.parity ^ 1);
        const uint32_t full = shared.x_full + x.stage * 8;
        arrive_announcing(full, t.x_rows * t.x_width);
        copy_box(shared.x + x.stage * t.x_bytes, maps.x, full, width * t.x_width, first_row, 0, 0);
        // Weights whose buffer was read together with that of x.
        while (number < all && number - t.w_stages <= width - t.x_stages) load_next();
    }
    while (number < all) load_next();
}

// --- The consumers.

// Signals that buffers were read, one step late: the mmas of the last one may still run.
struct LateSignal {
    uint32_t x = 0, w = 0;

    __device__ void send(bool by_this_lane) const {
        if (!by_this_lane) return;
        if (x != 0) arrive(x);
        if (w != 0) arrive(w);
    }
};

// Adds the products of all channels of x to the sums, kWidth channels at a time.
template <class S, int kWidth>
__device__ __forceinline__ void add_x(int32_t (&acc)[S::kTiles][S::kColumns / 2], const BottleneckTask& t,
                                      const BottleneckShared& shared, int group, Ring& w) {
    const bool signals = threadIdx.x % 32 == 0;
    Ring x(t.x_stages);
    LateSignal read;
    for (int width = 0; width < t.x_widths; ++width, x.advance(), w.advance()) {
        wait_for(shared.x_full + x.stage * 8, x.parity);
        wait_for(shared.w_full + w.stage * 8, w.parity);
        const uint64_t a = matrix_at(shared.x + x.stage * t.x_bytes + group * 64 * kWidth, kWidth),
                       b = matrix_at(shared.w + w.stage * t.w_bytes, kWidth);
        fence_wgmma();
#pragma unroll
        for (int depth = 0; depth < kWidth / 32; ++depth)
#pragma unroll
            for (int i = 0; i < S::kTiles; ++i)
                multiply_add<S::kColumns>(acc[i], a + i * S::kGroups * 64 * kWidth / 16 + depth * 2,
                                          b + depth * 2);
        commit_wgmma();
        wait_for_wgmma<1>();
        read.send(signals);
        read = {shared.x_empty + x.stage * 8, shared.w_empty + w.stage * 8};
    }
    wait_for_wgmma<0>();
    read.send(signals);
}

// Starts the mmas of 64 rows from `row` on and kWidth of the channels between, number `width`. Matrices of so
// many bytes hold the channels of a block each.
template <class S, int kWidth, int kColumns>
__device__ __forceinline__ void multiply_width(int32_t (&acc)[kColumns / 2], uint32_t matrices,
                                               uint32_t matrix_bytes, int row, int width, uint32_t w) {
    const uint64_t b = matrix_at(w, kWidth);
#pragma unroll
    for (int depth = 0; depth < kWidth / 32; ++depth) {
        const int block = (width * kWidth + depth * 32) / S::kColumns;
        const uint64_t a = matrix_at(matrices + block * matrix_bytes + row * S::kColumns, S::kColumns);
        multiply_add<kColumns>(acc, a + depth * 32 % S::kColumns / 16, b + depth * 2);
    }
}

// Adds the products of all taps and all channels between to the sums.
template <class S, int kWidth>
__device__ __forceinline__ void add_taps(int32_t (&acc)[S::kColumns / 2], const BottleneckTask& t,
                                         const BottleneckShared& shared, int group, Ring& w) {
    const bool signals = threadIdx.x % 32 == 0;
    LateSignal read;
    for (int width = 0; width < t.m_widths; ++width)
#pragma unroll
        for (int tap = 0; tap < kBottleneckTaps; ++tap, w.advance()) {
            wait_for(shared.w_full + w.stage * 8, w.parity);
            const int row = group * 64 + t.reduced_row(tap / 3, tap % 3);
            fence_wgmma();
            multiply_width<S, kWidth, S::kColumns>(acc, shared.reduced, t.reduced_rows * S::kColumns, row,
                                                   width, shared.w + w.stage * t.w_bytes);
            commit_wgmma();
            wait_for_wgmma<1>();
            read.send(signals);
            read.w = shared.w_empty + w.stage * 8;
        }
    wait_for_wgmma<0>();
    read.send(signals);
}

// Adds the products of all channels between, of the last step's pass of that number, to the sums.
template <class S, int kWidth>
__device__ __forceinline__ void add_last(int32_t (&acc)[kLastColumns / 2], const BottleneckTask& t,
                                         const BottleneckShared& shared, int tile, int pass) {
    fence_wgmma();
    for (int width = 0; width < t.m_widths; ++width)
        multiply_width<S, kWidth, kLastColumns>(
            acc, shared.x, S::kWindowRows * S::kColumns, tile * 64, width,
            shared.last_w + (pass * t.m_widths + width) * kLastColumns * kWidth);
    commit_wgmma();
    wait_for_wgmma<0>();
}

// Sums start with their bias. Each is read by itself: mmas do not overlap with copies of registers.
template <class S>
__device__ __forceinline__ void start_sums(int32_t (&acc)[S::kColumns / 2], const int32_t* bias) {
    const volatile int32_t* starts = bias + threadIdx.x % 4 * 4;
#pragma unroll
    for (int j = 0; j < S::kColumns / 8; ++j)
#pragma unroll
        for (int i = 0; i < 4; ++i) acc[j * 4 + i] = starts[j / 2 * 16 + j % 2 * 2 + i % 2];
}

// Writes a lane's results to all blocks of the cluster, at `place` of their memory.
template <int kWords>
__device__ __forceinline__ void share(const BottleneckTask& t, const LaneVector<kWords>& v, uint32_t place,
                                      int rank) {
    for (int n = 0; n < t.blocks; ++n)  // each begins with another one
        write_to_block(block_address(place, (rank + n) & (t.blocks - 1)), v.word);
}

// Says to all blocks that the warp has written to them.
__device__ __forceinline__ void signal_blocks(const BottleneckTask& t, uint32_t barrier) {
    publish_to_blocks();
    __syncwarp();
    const int lane = static_cast<int>(threadIdx.x) % 32;
    if (lane < t.blocks) arrive_at_block(block_address(barrier, lane));
}

// The first step.
template <class S>
__device__ __forceinline__ void reduce(const BottleneckTask& t, const BottleneckShared& shared,
                                       const BottleneckBand& band, const OutputRange& range, int number,
                                       Ring& w) {
    using B = typename S::Between;
    const int group = number / 4, lane = static_cast<int>(threadIdx.x) % 32;
    int32_t acc[S::kTiles][S::kColumns / 2];
#pragma unroll
    for (int i = 0; i < S::kTiles; ++i) start_sums<B>(acc[i], shared.bias[0]);
    if (t.x_width == 128)
        add_x<S, 128>(acc, t, shared, group, w);
    else
        add_x<S, 64>(acc, t, shared, group, w);

    wait_for_cluster();  // all blocks run, and their padding is there
    const uint32_t slice = shared.reduced + band.rank * t.reduced_rows * S::kColumns;
    with_rounding(false, range, [&]<WindowEpilogue kEpilogue>() {
        const WindowAddition nothing{};
        const HeldAddition held(nothing);
#pragma unroll
        for (int i = 0; i < S::kTiles; ++i) {
            LaneVector<B::kWords> v[2];
            end_sums<B, kEpilogue>(acc[i], 0, shared.multiplier[0], range, nothing, held, v);
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                uint32_t line = (i * S::kGroups + group) * 64 + number % 4 * 16 + half * 8 + lane / 4;
                const uint32_t column = split(line, t.columns);
                const int of_image = band.first_x_line + static_cast<int>(line);
                if (static_cast<int>(line) >= t.x_lines || of_image < 0 || of_image >= t.h) continue;
                const int row = t.reduced_row(static_cast<int>(line), static_cast<int>(column) + 1);
                share(t, v[half],
                      slice + exchanged<S::kColumns>(row * S::kColumns + lane % 4 * (S::kColumns / 4)),
                      band.rank);
            }
        }
    });
    signal_blocks(t, shared.reduced_full);
}

// The second step.
template <class S>
__device__ __forceinline__ void run_window(const BottleneckTask& t, const BottleneckShared& shared,
                                           const BottleneckBand& band, const OutputRange& range, int number,
                                           Ring& w) {
    using B = typename S::Between;
    const int group = number / 4, lane = static_cast<int>(threadIdx.x) % 32;
    if (group >= S::kWindowTiles) {
        for (int i = 0; i < kBottleneckTaps * t.m_widths; ++i, w.advance()) {
            wait_for(shared.w_full + w.stage * 8, w.parity);
            if (lane == 0) arrive(shared.w_empty + w.stage * 8);
        }
        return;
    }
    int32_t acc[S::kColumns / 2];
    start_sums<B>(acc, shared.bias[1]);
    wait_for_blocks(shared.reduced_full, 0);
    publish_to_blocks();
    if (t.m_width == 128)
        add_taps<S, 128>(acc, t, shared, group, w);
    else
        add_taps<S, 64>(acc, t, shared, group, w);

    const uint32_t slice = shared.x + band.rank * S::kWindowRows * S::kColumns;
    with_rounding(false, range, [&]<WindowEpilogue kEpilogue>() {
        const WindowAddition nothing{};
        LaneVector<B::kWords> v[2];
        end_sums<B, kEpilogue>(acc, 0, shared.multiplier[1], range, nothing, HeldAddition(nothing), v);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const uint32_t row = group * 64 + number % 4 * 16 + half * 8 + lane / 4;
            share(t, v[half],
                  slice + exchanged<S::kColumns>(row * S::kColumns + lane % 4 * (S::kColumns / 4)),
                  band.rank);
        }
    });
    signal_blocks(t, shared.window_full);
}

// The last step.
template <class S>
__device__ __forceinline__ void expand(const BottleneckTask& t, const BottleneckShared& shared,
                                       const BottleneckBand& band, const OutputRange& range,
                                       const WindowAddition& addition, int number, int8_t* y) {
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
    wait_for_blocks(shared.window_full, 0);
    publish_to_blocks();
#pragma unroll 1
    for (int pass = first_pass; pass < t.passes; pass += kStep) {
        int32_t acc[kLastColumns / 2];
        start_sums<L>(acc, shared.bias[2] + pass * kLastColumns);
        next[0] = read_residual(0, pass + kStep), next[1] = read_residual(1, pass + kStep);
        if (t.m_width == 128)
            add_last<S, 128>(acc, t, shared, tile, pass);
        else
            add_last<S, 64>(acc, t, shared, tile, pass);
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

// --- The kernel.

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
    for (int i = static_cast<int>(threadIdx.x); i < t.blocks * t.reduced_rows * S::kColumns / 16;
         i += kBottleneckThreads)
        reduced[i] = padding;
}

template <class S>
__global__ void __launch_bounds__(kBottleneckThreads, kMostResident)
    bottleneck_kernel(const __grid_constant__ BottleneckTask t, const __grid_constant__ BottleneckMaps maps,
                      const __grid_constant__ BottleneckEnds ends, WindowAddition addition, int8_t* y) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    extern __shared__ uint8_t dynamic[];
    uint8_t* const start = dynamic + (-shared_address(dynamic) & 1023);
    const BottleneckShared shared(t, S::kColumns, start);
    const BottleneckBand band(t);
    if (threadIdx.x == 0) {
        for (int i = 0; i < t.x_stages; ++i)
            start_barrier(shared.x_full + i * 8, 1), start_barrier(shared.x_empty + i * 8, S::kWarps);
        for (int i = 0; i < t.w_stages; ++i)
            start_barrier(shared.w_full + i * 8, 1), start_barrier(shared.w_empty + i * 8, S::kWarps);
        start_barrier(shared.last_w_full, 1);
        start_barrier(shared.reduced_full, t.blocks * S::kWarps);
        start_barrier(shared.window_full, t.blocks * S::kWindowTiles * 4);
        publish_barriers();
    }
    let_next_kernel_start();
    prepare<S>(t, shared, ends, band.rank, reinterpret_cast<uint4*>(start + (shared.reduced - shared.x)));
    publish_to_blocks();
    __syncthreads();
    arrive_at_cluster();
    const int warp = __shfl_sync(~0u, static_cast<int>(threadIdx.x) / 32, 0);
    if (warp == S::kWarps) {
        if (threadIdx.x == S::kThreads) fill_bottleneck<S>(t, maps, shared, band);
        __syncwarp();
        wait_for_cluster();
    } else {
        wait_for_kernels_before();
        Ring w(t.w_stages);
        reduce<S>(t, shared, band, ends.of[0].range, warp, w);
        run_window<S>(t, shared, band, ends.of[1].range, warp, w);
        expand<S>(t, shared, band, ends.of[2].range, addition, warp, y);
    }
#endif
}

}  // namespace qudnn::kernels
