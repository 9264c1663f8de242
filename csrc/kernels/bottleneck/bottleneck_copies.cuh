// The tasks of bottleneck.h's kernel, and the copies of x and weights for them.
#pragma once

#include "kernels/bottleneck/bottleneck_task.cuh"

namespace qudnn::kernels {

// A task, and the block's part of it.
struct BottleneckBand {
    int rank;               // of the block
    int image, first_line;  // of y
    int first_x_line;       // that windows reach, -1 where that is padding
    bool is_last;           // of the cluster's

    __device__ BottleneckBand(const BottleneckTask& t, int task) {
        rank = static_cast<int>(blockIdx.x) % t.blocks;
        image = task / t.bands, first_line = task % t.bands * t.lines;
        first_x_line = (first_line << t.log_stride) - 1;
        is_last = task + t.clusters >= t.tasks;
    }
};

// Calls work(band, parity) for each of the cluster's tasks; the parity changes from one to the next.
template <class Work>
__device__ __forceinline__ void for_tasks(const BottleneckTask& t, const Work& work) {
    int parity = 0;
    for (int task = static_cast<int>(blockIdx.x) / t.blocks; task < t.tasks; task += t.clusters, parity ^= 1)
        work(BottleneckBand(t, task), parity);
}

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

// One lane copies the weights of all steps. They are constant: before the kernels before have ended.
template <class S>
__device__ __forceinline__ void copy_weights(const BottleneckTask& t, const BottleneckMaps& maps,
                                             const BottleneckShared& shared) {
    const int all = t.x_widths + kBottleneckTaps * t.m_widths, rank = static_cast<int>(blockIdx.x) % t.blocks;
    int number = 0;
    for (; number < t.w_stages && number < all; ++number) load_step<S>(t, maps, shared, rank, number, number);
    arrive_announcing(shared.last_w_full, t.passes * kLastColumns * t.m_widths * t.m_width);
    for (int pass = 0; pass < t.passes; ++pass)
        for (int width = 0; width < t.m_widths; ++width)
            copy_box(shared.last_w + (pass * t.m_widths + width) * kLastColumns * t.m_width, maps.w[2],
                     shared.last_w_full, width * t.m_width, 0, 0, 0, rank * t.passes + pass);
    if (t.keeps_weights) return;
    Ring w(t.w_stages);
    for_tasks(t, [&](const BottleneckBand&, int) {
        for (; number < all; ++number, w.advance()) {
            wait_for(shared.w_empty + w.stage * 8, w.parity);
            load_step<S>(t, maps, shared, rank, number, w.stage);
        }
        number = 0;
    });
}

// One lane copies x.
template <class S>
__device__ __forceinline__ void copy_x(const BottleneckTask& t, const BottleneckMaps& maps,
                                       const BottleneckShared& shared) {
    Ring x(t.x_stages);
    for_tasks(t, [&](const BottleneckBand& band, int) {
        const int first_row = (band.image * t.h + band.first_x_line) * t.w;  // of all images
        for (int width = 0; width < t.x_widths; ++width, x.advance()) {
            wait_for(shared.x_empty + x.stage * 8, x.parity ^ 1);
            const uint32_t full = shared.x_full + x.stage * 8;
            arrive_announcing(full, t.x_rows * t.x_width);
            copy_box(shared.x + x.stage * t.x_bytes, maps.x, full, width * t.x_width, first_row, 0, 0);
        }
    });
}

}  // namespace qudnn::kernels
