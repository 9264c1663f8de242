// The kernel of window.h.
//
// The pixels of all images are the rows of one matrix: a line of pixels, then as many empty rows as windows
// reach over its ends, then the next line; an image's last line is followed by empty lines in the same way.
// So the input of a tap is the same matrix, shifted by some rows, and a tile of it in shared memory serves
// all taps of a window. With strides, the image is split into images of every n-th pixel, each of which
// serves some of the taps.
//
// One warp fills the buffers, the others multiply. Columns of the mmas are output channels in an order in
// which each lane's results lie side by side in y.
#pragma once

#include "kernels/common/dependent_launch.cuh"
#include "kernels/window/window_flat.cuh"
#include "kernels/window/window_split.cuh"

namespace qudnn::kernels {

// Prefetches a tile's residual to the L2 cache: two threads for a row and its next 128 columns.
template <class S>
__device__ __forceinline__ void prefetch_residual(const Window& g, const WindowAddition& addition,
                                                  uint32_t first, int first_column) {
    static_assert(S::kColumns <= 128);
    if (threadIdx.x >= S::kRows) return;
    const WindowPixel pixel(g, first + threadIdx.x);
    if (pixel.place >= 0) fetch_line(addition.r + static_cast<int64_t>(pixel.place) * g.k + first_column);
}

// The consumer warp `number`: mainloop and epilogue over the buffers.
template <class S>
__device__ __forceinline__ void multiply_and_store(const Window& g, const WindowShared& shared,
                                                   const OutputRange& range, const WindowAddition& addition,
                                                   bool small, int number, int tile, int first_column,
                                                   int8_t* y) {
    const int group = number / 4, warp = number % 4, lane = static_cast<int>(threadIdx.x) % 32;
    Ring x(g.x_stages), w(g.w_stages);
    const HeldAddition held(addition);
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
                                LaneVector<S::kWords>::read_once(source_of_r + j * S::kLaneGroup);
                    }
                }
            }

        const int row = g.flat ? 0 : static_cast<int>(first - g.pitch.quotient(first) * g.pitch.value);
        add_tile<S>(acc, g, shared, row + group * S::kTiles * 64, weights_are_there, x, w);

        with_epilogue<S>(g, small, range, addition, [&]<WindowEpilogue kEpilogue>() {
#pragma unroll
            for (int i = 0; i < S::kTiles; ++i)
#pragma unroll
                for (int j = 0; j < S::kLaneGroups; ++j) {
                    LaneVector<S::kWords> v[2];
                    if constexpr (S::kAdds) v[0] = residual.v[i][0][j], v[1] = residual.v[i][1][j];
                    if constexpr (S::kFunction)
                        end_function<S, kEpilogue>(acc[i], j, g, shared, range, addition, v);
                    else
                        end_sums<S, kEpilogue>(acc[i], j, shared.multiplier, range, addition, held, v);
                    const int column = first_column + j * S::kLaneGroup + lane % 4 * (S::kLaneGroup / 4);
#pragma unroll
                    for (int half = 0; half < 2; ++half)
                        if (pixel[i][half] >= 0 && column < g.k)
                            v[half].write(y + static_cast<int64_t>(pixel[i][half]) * g.k + column);
                }
        });
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
            start_barrier(shared.x_full + i * 8, 1), start_barrier(shared.x_empty + i * 8, S::kWarps);
        for (int i = 0; i < g.w_stages; ++i)
            start_barrier(shared.w_full + i * 8, 1), start_barrier(shared.w_empty + i * 8, S::kWarps);
        for (int i = 0; i < g.y_stages; ++i)
            start_barrier(shared.y_full + i * 8, 1), start_barrier(shared.y_empty + i * 8, S::kWarps);
        publish_barriers();
    }
    let_next_kernel_start();
    __syncthreads();
    const int block = static_cast<int>(blockIdx.x) / g.split, rank = static_cast<int>(blockIdx.x) % g.split;
    const int tile = block / g.column_blocks, column_block = block % g.column_blocks;
    const int warp =
        __shfl_sync(~0u, static_cast<int>(threadIdx.x) / 32, 0);  // the same for all, to the compiler
    if (warp == S::kThreads / 32) {
        int loaded = 0;
        if (threadIdx.x == S::kThreads)
            loaded = load_first_weights<S>(g, maps, shared, rank * g.widths, column_block);
        wait_for_kernels_before();
        if (threadIdx.x == S::kThreads)
            fill_buffers<S>(g, maps, shared, tile, rank * g.widths, column_block, loaded);
        if constexpr (S::kSplit) {
            __syncwarp();
            cluster_barrier(), cluster_barrier();  // all threads of the cluster take part
        }
    } else {
        if (g.bias_table) wait_for_kernels_before();
        const int first_column = column_block * S::kColumns;
        const bool small = prepare_sums<S>(g, shared, start + g.x_stages * g.x_bytes, epilogue, biases,
                                           addition, tile, first_column);
        if (!g.bias_table) wait_for_kernels_before();
        if (g.pads_output)
            write_padding(g.y, g.k / 16, epilogue.padding(), reinterpret_cast<uint4*>(y), S::kThreads);
        if constexpr (S::kSplit)
            multiply_and_share<S>(g, shared, start, range, addition, rank, warp, tile, first_column, y);
        else if constexpr (S::kFlat)
            multiply_and_stage<S>(g, maps, shared, range, addition, small, warp, tile, column_block);
        else
            multiply_and_store<S>(g, shared, range, addition, small, warp, tile, first_column, y);
    }
#endif
}

}  // namespace qudnn::kernels
