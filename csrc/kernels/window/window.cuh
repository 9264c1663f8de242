// The kernel of window.h.
//
// The pixels of all images are rows of one matrix: a line of pixels, with as much room after it as windows
// reach over its ends, then the next line, after an image's last line again such room. So the input of a tap
// is the same matrix, shifted by some rows, and a tile of it in shared memory serves all taps of a window.
// With strides, the image falls apart into images of every n-th pixel, each of which serves some of the taps.
//
// One warp fills the buffers, the others multiply. Columns of the mmas are output channels in an order in
// which each lane's results lie side by side in y.
#pragma once

#include "kernels/window/window_epilogue.cuh"
#include "kernels/window/window_mainloop.cuh"

namespace qudnn::kernels {

// Whether all sums that the block's weights may give, and its biases, are small, and multipliers moderate.
// For weights that stay in shared memory, all there.
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
                for (const uint32_t word : {v.x, v.y, v.z, v.w}) {
                    const uint32_t signs = (word & 0x80808080u) >> 7;  // each becomes 1 or -1
                    sum = __dp4a(static_cast<int>(word), static_cast<int>(0x01010101u | signs * 255), sum);
                }
            }
        }
    }
    for (int i = 1; i < kParts; i *= 2) sum += __shfl_xor_sync(~0u, sum, i);
    large |= sum >= kSmallSum / 128;
    for (int i = threadIdx.x; i < g.kinds * S::kColumns; i += S::kThreads) {
        const int kind = i / S::kColumns, at = first + i % S::kColumns;
        if (at >= g.k) continue;
        const int32_t bias = biases[kind * g.k + at];
        large |= bias <= -kSmallSum || bias >= kSmallSum || !(fabsf(multipliers[at]) <= 1.0f);
    }
    return !any_of(S::kThreads, large);
}

// Fetches what will be added to a tile, to the L2 cache: two threads for a row and its next 128 columns.
template <class S>
__device__ __forceinline__ void prefetch_residual(const Window& g, const WindowAddition& addition,
                                                  uint32_t first, int first_column) {
    static_assert(S::kColumns <= 128);
    if (threadIdx.x >= S::kRows) return;
    const WindowPixel pixel(g, first + threadIdx.x);
    if (pixel.place >= 0)
        asm volatile("prefetch.global.L2 [%0];"
                     :
                     : "l"(addition.r + static_cast<int64_t>(pixel.place) * g.k + first_column));
}

// What warp `number` of those that multiply does with the buffers.
template <class S>
__device__ __forceinline__ void multiply_and_store(const Window& g, const WindowShared& shared,
                                                   const uint8_t* weights, const Epilogue& epilogue,
                                                   const int32_t* biases, const OutputRange& range,
                                                   const WindowAddition& addition, int number, int tile,
                                                   int column_block, int8_t* y) {
    constexpr int kWorthwhile = 4;  // tiles to look at the weights for
    const int first_column = column_block * S::kColumns;
    const int group = number / 4, warp = number % 4, lane = static_cast<int>(threadIdx.x) % 32;

    // The weights come among the first tile's x, of which there is no more than has room before it is used.
    const bool all_weights_come = g.resident && g.widths * g.phases <= g.x_stages;
    bool small = false;
    if (all_weights_come && (S::kAdds || range.high == 127) &&
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
    any_of(S::kThreads, false);

    // Blocks that share a multiprocessor would otherwise all multiply, and then all store.
    if (blockIdx.x >= gridDim.x / 2) __nanosleep(g.delay);

    Ring x(g.x_stages), w(g.w_stages);
    bool weights_are_there = false;
    for (; tile < g.tiles; tile += g.tile_step, weights_are_there = g.resident) {
        const uint32_t first = static_cast<uint32_t>(tile) * S::kRows;
        int pixel[S::kTiles][2];
        int32_t acc[S::kTiles][S::kColumns / 2];
        LaneResidual<S> residual;
        if constexpr (S::kAdds)
            prefetch_residual<S>(g, addition, first + g.tile_step * S::kRows, first_column);
        // Each lane looks for one pixel of its warp's, or two do.
        const WindowPixel found(
            g, first + group * S::kTiles * 64 + lane / 16 % S::kTiles * 64 + warp * 16 + lane % 16);
#pragma unroll
        for (int i = 0; i < S::kTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int source = i * 16 + half * 8 + lane / 4;
                pixel[i][half] = __shfl_sync(~0u, found.place, source);
                const int kind = g.kinds > 1 ? __shfl_sync(~0u, found.kind, source) : 0;
                const auto* starts =
                    reinterpret_cast<const int2*>(shared.bias + kind * S::kColumns) + lane % 4 * 2;
#pragma unroll
                for (int j = 0; j < S::kColumns / 8; ++j) {
                    const int2 start = starts[j / 2 * 8 + j % 2];
                    acc[i][j * 4 + half * 2] = start.x, acc[i][j * 4 + half * 2 + 1] = start.y;
                }
                if constexpr (S::kAdds) {
                    const int column = first_column + lane % 4 * (S::kLaneGroup / 4);
                    const int8_t* source_of_r =
                        addition.r + static_cast<int64_t>(pixel[i][half]) * g.k + column;
#pragma unroll
                    for (int j = 0; j < S::kLaneGroups; ++j) {
                        residual.v[i][half][j] = {};
                        if (pixel[i][half] >= 0 && column + j * S::kLaneGroup < g.k)
                            residual.v[i][half][j] =
                                LaneVector<S::kWords>::read(source_of_r + j * S::kLaneGroup);
                    }
                }
            }

        const int row = (g.flat ? 0 : static_cast<int>(first - g.pitch.quotient(first) * g.pitch.value)) +
                        group * S::kTiles * 64;
        if (g.width == 128)
            run_mainloop<S, 128>(acc, g, shared, row, weights_are_there, x, w);
        else if (g.width == 64)
            run_mainloop<S, 64>(acc, g, shared, row, weights_are_there, x, w);
        else
            run_mainloop<S, 32, 0>(acc, g, shared, row, weights_are_there, x, w);

        const auto store = [&]<WindowEpilogue kEpilogue>() {
#pragma unroll
            for (int i = 0; i < S::kTiles; ++i)
                store_results<S, kEpilogue>(g, acc[i], shared, range, addition, residual.v[S::kAdds ? i : 0],
                                            pixel[i], first_column, y);
        };
        if constexpr (S::kAdds) {
            if (addition.in_float && small)
                store.template operator()<WindowEpilogue{true, true, true, false, true}>();
            else if (addition.in_float)
                store.template operator()<WindowEpilogue{false, true, true, false, true}>();
            else if (addition.result_first && small)
                store.template operator()<WindowEpilogue{true, false, false, true}>();
            else if (addition.result_first)
                store.template operator()<WindowEpilogue{false, false, false, true}>();
            else if (small)
                store.template operator()<WindowEpilogue{true, false, false, false}>();
            else
                store.template operator()<WindowEpilogue{false, false, false, false}>();
        } else {
            if (range.high < 127)
                store.template operator()<WindowEpilogue{false, true, true}>();
            else if (!small)
                store.template operator()<WindowEpilogue{false, true, false}>();
            else if (epilogue.low > -128)
                store.template operator()<WindowEpilogue{true, true, false}>();
            else
                store.template operator()<WindowEpilogue{true, false, false}>();
        }
    }
}

template <class S>
__global__ void __launch_bounds__(S::kBlockThreads, S::kBlocks)
    window_kernel(const __grid_constant__ Window g, const __grid_constant__ WindowMaps maps,
                  Epilogue epilogue, const int32_t* biases, OutputRange range, WindowAddition addition,
                  int8_t* y) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    extern __shared__ uint8_t dynamic[];
    uint8_t* const start = dynamic + (-shared_address(dynamic) & 1023);
    const WindowShared shared(g, S::kColumns, start);
    if (threadIdx.x == 0) {
        for (int i = 0; i < g.x_stages; ++i)
            start_barrier(shared.x_full + i * 8, 1), start_barrier(shared.x_empty + i * 8, S::kThreads / 32);
        for (int i = 0; i < g.w_stages; ++i)
            start_barrier(shared.w_full + i * 8, 1), start_barrier(shared.w_empty + i * 8, S::kThreads / 32);
        publish_barriers();
    }
    __syncthreads();
    const int tile = static_cast<int>(blockIdx.x) / g.column_blocks;
    const int column_block = static_cast<int>(blockIdx.x) % g.column_blocks;
    const int warp =
        __shfl_sync(~0u, static_cast<int>(threadIdx.x) / 32, 0);  // the same for all, to the compiler
    if (warp == S::kThreads / 32) {
        if (threadIdx.x == S::kThreads) fill_buffers<S>(g, maps, shared, tile, column_block);
    } else {
        if (g.pads_output)
            write_padding(g.y, g.k / 16, epilogue.zero_point, reinterpret_cast<uint4*>(y), S::kThreads);
        multiply_and_store<S>(g, shared, start + g.x_stages * g.x_bytes, epilogue, biases, range, addition,
                              warp, tile, column_block, y);
    }
#endif
}

}  // namespace qudnn::kernels
