// The mainloop of window.h's kernel: the producer's copies and the consumers' mmas.
#pragma once

#include "kernels/window/window_block.cuh"

namespace qudnn::kernels {

// Weights of a tap, of `width` channels from the block's number `width` on.
template <class S>
__device__ __forceinline__ void load_weights(const Window& g, const WindowMaps& maps,
                                             const WindowShared& shared, int stage, int width, int tap,
                                             int column_block) {
    const uint32_t ready = shared.w_full + stage * 8;
    arrive_announcing(ready, g.w_bytes);
    copy_box(shared.w + stage * g.w_bytes, maps.w, ready, g.tap[tap].place * g.c + width * g.width, 0, 0, 0,
             column_block * S::kLaneGroups);
}

// Fills the buffers of weights, which are constant, and fetches the maps that come next: before the kernels
// before have ended. Returns the number of buffers.
template <class S>
__device__ __forceinline__ int load_first_weights(const Window& g, const WindowMaps& maps,
                                                  const WindowShared& shared, int first_width,
                                                  int column_block) {
    int taps = 0, stage = 0;
    for (int phase = 0; phase < g.phases; ++phase) {
        taps += g.phase[phase].taps;
        prefetch_map(maps.x[phase]);
    }
    if constexpr (S::kFlat) prefetch_map(maps.y);
    if constexpr (S::kFlat && S::kAdds) prefetch_map(maps.r);
    for (int width = 0; width < g.widths; ++width)
        for (int tap = 0; tap < taps && stage < g.w_stages; ++tap, ++stage)
            load_weights<S>(g, maps, shared, stage, first_width + width, tap, column_block);
    return stage;
}

// Copies a tile's pixels as one tap reads them, for im2col: `first` is the tile's first row, `number` that of
// the tap's channels.
__device__ __forceinline__ void copy_pixels_of_tap(const Window& g, const WindowMaps& maps, uint32_t target,
                                                   uint32_t full, uint32_t first, int number) {
    uint32_t image = first;
    const auto q = static_cast<int>(split(image, g.pitch)), p = static_cast<int>(split(image, g.lines));
    const int tap = number / g.gather.widths, width = number - tap * g.gather.widths;
    const int down = tap / g.gather.taps_across, across = tap - down * g.gather.taps_across;
    copy_pixels(target, maps.x[0], full, width * g.width, g.left + q * g.gather.stride_across,
                g.top + p * g.gather.stride_down, static_cast<int>(image), across * g.gather.dilation_across,
                down * g.gather.dilation_down);
}

// The producer: one lane that copies for the block, whose channels begin with number `first_width` of
// `width`. `loaded`: the buffers of weights that are filled.
template <class S>
__device__ __forceinline__ void fill_buffers(const Window& g, const WindowMaps& maps,
                                             const WindowShared& shared, int tile, int first_width,
                                             int column_block, int loaded) {
    Ring x(g.x_stages), w(g.w_stages), y(g.y_stages);
    bool loads_weights = true;
    for (; tile < g.tiles; tile += g.tile_step, loads_weights = !g.resident) {
        const uint32_t first = static_cast<uint32_t>(tile) * S::kRows;
        const uint32_t line = g.flat ? 0 : g.pitch.quotient(first);
        const int lines =
            g.flat ? 1 : static_cast<int>(g.pitch.quotient(first + S::kRows - 1 + g.reach) - line) + 1;
        for (int number = 0; number < g.widths; ++number) {
            const int width = first_width + number;
            for (int phase = 0; phase < g.phases; ++phase) {
                wait_for(shared.x_empty + x.stage * 8, x.parity ^ 1);
                const uint32_t full = shared.x_full + x.stage * 8;
                uint32_t target = shared.x + x.stage * g.x_bytes;
                arrive_announcing(full, lines * g.line_bytes);
                if (g.im2col) {
                    copy_pixels_of_tap(g, maps, target, full, first, width);
                } else if (g.flat) {
                    copy_box(target, maps.x[phase], full, width * g.width, static_cast<int>(first), 0, 0);
                } else {
                    for (int i = 0; i < lines; ++i, target += g.line_bytes) {
                        uint32_t image = line + i;
                        const auto in_image = static_cast<int>(split(image, g.lines));
                        copy_box(target, maps.x[phase], full, width * g.width, g.left, g.top + in_image,
                                 static_cast<int>(image));
                    }
                }
                x.advance();
                if (!loads_weights) continue;
                for (int i = 0; i < g.phase[phase].taps; ++i, w.advance()) {
                    if (loaded > 0) {
                        --loaded;
                        continue;
                    }
                    wait_for(shared.w_empty + w.stage * 8, w.parity ^ 1);
                    load_weights<S>(g, maps, shared, w.stage, width, g.phase[phase].first_tap + i,
                                    column_block);
                }
            }
            if (S::kFlat && S::kAdds && number == 0) {  // what is added is needed last, but comes from afar
                wait_for(shared.y_empty + y.stage * 8, y.parity ^ 1);
                const uint32_t full = shared.y_full + y.stage * 8;
                arrive_announcing(full, g.y_bytes);
                copy_box(shared_address(shared.y) + y.stage * g.y_bytes, maps.r, full, 0,
                         static_cast<int>(first), column_block * S::kLaneGroups, 0);
                y.advance();
            }
        }
    }
}

// Runs the mainloop over a tile; `row` is its first one in the buffers. kTaps: the number of taps, all in one
// phase; 0 for any number.
template <class S, int kWidth, int kTaps>
__device__ __forceinline__ void run_mainloop(int32_t (&acc)[S::kTiles][S::kColumns / 2], const Window& g,
                                             const WindowShared& shared, int row, bool weights_are_there,
                                             Ring& x, Ring& w) {
    const bool signals = threadIdx.x % 32 == 0;
    uint32_t done_x = 0, done_w = 0;  // barriers of the buffers that the open group of mmas reads
    uint32_t place = 0;
    const uint64_t weights = matrix_at(shared.w, kWidth);
    for (int width = 0; width < g.widths; ++width)
        for (int phase = 0; phase < (kTaps ? 1 : g.phases); ++phase) {
            wait_for(shared.x_full + x.stage * 8, x.parity);
            const uint64_t rows = matrix_at(shared.x + x.stage * g.x_bytes + row * kWidth, kWidth);
            const int taps = kTaps ? kTaps : g.phase[phase].taps,
                      first = kTaps ? 0 : g.phase[phase].first_tap;
#pragma unroll(kTaps ? kTaps : 1)
            for (int tap = 0; tap < taps; ++tap) {
                const uint32_t stage = g.resident ? place++ : w.stage;
                if (!weights_are_there) wait_for(shared.w_full + stage * 8, g.resident ? 0 : w.parity);
                const uint64_t a = rows + static_cast<uint32_t>(g.tap[first + tap].shift * (kWidth / 16));
                const uint64_t b = weights + stage * (S::kColumns * kWidth / 16);
                fence_wgmma();
#pragma unroll
                for (int depth = 0; depth < kWidth / 32; ++depth)
#pragma unroll
                    for (int i = 0; i < S::kTiles; ++i)
                        multiply_add<S::kColumns>(acc[i], a + i * 64 * kWidth / 16 + depth * 2,
                                                  b + depth * 2);
                commit_wgmma();
                if (g.resident && tap + 1 < taps) continue;
                wait_for_wgmma<1>();
                if (signals && done_x != 0) arrive(done_x);
                if (signals && done_w != 0) arrive(done_w);
                done_x = tap + 1 == taps ? shared.x_empty + x.stage * 8 : 0;
                done_w = g.resident ? 0 : shared.w_empty + w.stage * 8;
                if (!g.resident) w.advance();
            }
            x.advance();
        }
    wait_for_wgmma<0>();
    if (signals) arrive(done_x);
    if (signals && done_w != 0) arrive(done_w);
}

template <class S, int kWidth>
__device__ __forceinline__ void run_mainloop(int32_t (&acc)[S::kTiles][S::kColumns / 2], const Window& g,
                                             const WindowShared& shared, int row, bool weights_are_there,
                                             Ring& x, Ring& w) {
    if constexpr (S::kFlat)
        run_mainloop<S, kWidth, 1>(acc, g, shared, row, weights_are_there, x, w);
    else if (g.phases == 1 && g.phase[0].taps == 9)
        run_mainloop<S, kWidth, 9>(acc, g, shared, row, weights_are_there, x, w);
    else if (g.phases == 1 && g.phase[0].taps == 1)
        run_mainloop<S, kWidth, 1>(acc, g, shared, row, weights_are_there, x, w);
    else
        run_mainloop<S, kWidth, 0>(acc, g, shared, row, weights_are_there, x, w);
}

// Runs the mainloop over a tile; `row` is the group's first one in the buffers.
template <class S>
__device__ __forceinline__ void add_tile(int32_t (&acc)[S::kTiles][S::kColumns / 2], const Window& g,
                                         const WindowShared& shared, int row, bool weights_are_there, Ring& x,
                                         Ring& w) {
    if (g.width == 128)
        run_mainloop<S, 128>(acc, g, shared, row, weights_are_there, x, w);
    else if (g.width == 64)
        run_mainloop<S, 64>(acc, g, shared, row, weights_are_there, x, w);
    else
        run_mainloop<S, 32, S::kFlat ? 1 : 0>(acc, g, shared, row, weights_are_there, x, w);
}

}  // namespace qudnn::kernels
