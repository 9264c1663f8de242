// The kernel of window.h for flat matrices. Results leave by TMA, through buffers of shared memory, into
// which the residual is loaded during the mainloop. Each warp has rows of its own in a buffer.
#pragma once

#include "kernels/common/hopper_stores.cuh"
#include "kernels/window/window_mainloop.cuh"
#include "kernels/window/window_sums.cuh"

namespace qudnn::kernels {

// A lane's sums start from its columns' biases. Read for each of its rows, for they lie apart in registers.
template <class S>
__device__ __forceinline__ void start_sums(int32_t (&acc)[S::kTiles][S::kColumns / 2],
                                           const WindowShared& shared) {
    const uint32_t starts = shared_address(shared.bias) + threadIdx.x % 4 * 16;
#pragma unroll
    for (int i = 0; i < S::kTiles; ++i)
#pragma unroll
        for (int j = 0; j < S::kColumns / 8; ++j)
#pragma unroll
            for (int half = 0; half < 2; ++half)
                asm volatile("ld.volatile.shared.v2.s32 {%0, %1}, [%2];"
                             : "=r"(acc[i][j * 4 + half * 2]), "=r"(acc[i][j * 4 + half * 2 + 1])
                             : "r"(starts + j / 2 * 64 + j % 2 * 8));
}

// The consumer warp `number`: mainloop and epilogue over the buffers.
template <class S>
__device__ __forceinline__ void multiply_and_stage(const Window& g, const WindowMaps& maps,
                                                   const WindowShared& shared, const OutputRange& range,
                                                   const WindowAddition& addition, bool small, int number,
                                                   int tile, int column_block) {
    constexpr int kGroupBytes = S::kRows * S::kLaneGroup;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int group_row = number / 4 * S::kTiles * 64, warp_row = group_row + number % 4 * 16;
    const int lane_place = (warp_row + lane / 4) * S::kLaneGroup + lane % 4 * (S::kLaneGroup / 4);
    Ring x(g.x_stages), w(g.w_stages), y(g.y_stages);
    const HeldAddition held(addition);
    uint32_t done = 0;  // the barrier of the buffer that results may still leave
    bool weights_are_there = false;
    for (; tile < g.tiles; tile += g.tile_step, weights_are_there = g.resident) {
        int32_t acc[S::kTiles][S::kColumns / 2];
        start_sums<S>(acc, shared);
        add_tile<S>(acc, g, shared, group_row, weights_are_there, x, w);

        if constexpr (S::kAdds) {
            if (lane == 0 && done != 0) {
                wait_for_stores_to_read<0>();
                arrive(done);
            }
            done = shared.y_empty + y.stage * 8;
            wait_for(shared.y_full + y.stage * 8, y.parity);
        } else {
            if (lane == 0) wait_for_stores_to_read<1>();  // there are two buffers
            __syncwarp();
        }
        int8_t* const buffer = shared.y + y.stage * g.y_bytes;
        with_epilogue<S>(g, small, range, addition, [&]<WindowEpilogue kEpilogue>() {
#pragma unroll
            for (int i = 0; i < S::kTiles; ++i)
#pragma unroll
                for (int j = 0; j < S::kLaneGroups; ++j) {
                    int8_t* const place = buffer + lane_place + j * kGroupBytes + i * 64 * S::kLaneGroup;
                    LaneVector<S::kWords> v[2];
#pragma unroll
                    for (int half = 0; half < 2; ++half)
                        if constexpr (S::kAdds)
                            v[half] = LaneVector<S::kWords>::read(place + half * 8 * S::kLaneGroup);
                    if constexpr (S::kFunction)
                        end_function<S, kEpilogue>(acc[i], j, g, shared, range, addition, v);
                    else
                        end_sums<S, kEpilogue>(acc[i], j, shared.multiplier, range, addition, held, v);
#pragma unroll
                    for (int half = 0; half < 2; ++half) v[half].write(place + half * 8 * S::kLaneGroup);
                }
        });
        publish_writes();
        __syncwarp();
        if (lane == 0) {
            const int first = tile * S::kRows + warp_row;
#pragma unroll
            for (int i = 0; i < S::kTiles; ++i)
#pragma unroll
                for (int j = 0; j < S::kLaneGroups; ++j)
                    store_box(maps.y,
                              shared_address(buffer) + j * kGroupBytes + (warp_row + i * 64) * S::kLaneGroup,
                              0, first + i * 64, column_block * S::kLaneGroups + j, 0);
            commit_stores();
        }
        y.advance();
    }
    if (lane == 0) wait_for_stores_to_read<0>();
}

}  // namespace qudnn::kernels
