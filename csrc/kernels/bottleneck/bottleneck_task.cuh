// The parameters of bottleneck.h's kernel, and the shared memory of its blocks; see bottleneck.cuh.
#pragma once

#include <algorithm>

#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"
#include "kernels/common/hopper.cuh"
#include "kernels/window/window_block.cuh"

namespace qudnn::kernels {

constexpr int kBottleneckTaps = 9;
constexpr int kBottleneckThreads = 256 + 64;  // two groups of four warps that multiply, two that copy
constexpr int kMostResident = 2;              // blocks on a multiprocessor, for their registers
constexpr int kLastColumns = 64;              // of the last step, at a time

struct BottleneckTask {
    int h, w;                          // of an image of x
    int p, q, k;                       // of one of y
    int lines, bands;                  // of a task, and how many tasks share an image of y
    int tasks, clusters;               // in all; of which each takes one after the other
    int x_lines;                       // that a task's windows reach
    int log_stride;                    // of the window, to the base 2
    Divisor<uint32_t> columns, pitch;  // of a line of x; of one of y with a column of padding
    int blocks;                        // of a cluster
    int passes;                        // of a block's columns of y, kLastColumns at a time
    int x_width, x_widths;             // channels of x at a time, and how often
    int m_width, m_widths;             // the same of the channels between
    int x_stages, w_stages;
    int x_rows, x_bytes, w_bytes;  // of a stage
    bool keeps_weights;            // all weights have a stage
    // Of a block's slice of the first step's results; with a stride of 2 these are four images of every other
    // line and column.
    int reduced_rows, phase_rows;
    int window_bytes;  // of the window's results; 0: they take the place of x, which is read once
    int sums_bytes;    // where the groups that share the depth of a tile add up
    int tap_rows[kBottleneckTaps];  // reduced_row() of a window's taps
    int window_zero_point;

    // The row of the result in a line and a column, counted from the padding before the first ones, or, of
    // those that the first window of a row reads, that of a tap.
    __host__ __device__ int reduced_row(int line, int column) const {
        const int odd = (1 << log_stride) - 1, phase = (line & odd) << log_stride | (column & odd);
        return phase * phase_rows + (line >> log_stride) * static_cast<int>(pitch.value) +
               (column >> log_stride);
    }
};

struct BottleneckMaps {
    CUtensorMap x, w[3];
};

// A step's constants, of all channels.
struct BottleneckEnd {
    const int32_t* bias;
    const float* multiplier;
    OutputRange range;
};

struct BottleneckEnds {
    BottleneckEnd of[3];
};

// kTiles * 64 rows of the first convolution for each of two groups of four warps, or 64 for both if kTiles is
// 0, kWindowTiles * 64 rows of the others for both; kColumns of the channels between in a block, four times
// as many of y. Groups that have 64 rows for both take half of the depth each.
template <int kTiles_, int kWindowTiles_, int kColumns_>
struct BottleneckShape {
    static constexpr int kTiles = std::max(kTiles_, 1), kWindowTiles = kWindowTiles_, kColumns = kColumns_;
    static constexpr bool kSharesDepth = kTiles_ == 0, kWindowSharesDepth = kWindowTiles == 1;
    static constexpr int kGroups = 2, kWarps = kGroups * 4, kThreads = kWarps * 32;  // that multiply
    static constexpr int kWindowRows = kWindowTiles * 64;
    using Between = WindowShape<kTiles, kColumns, WindowTail::none, WindowResults::direct, 1>;
    using Last = WindowShape<1, kLastColumns, WindowTail::residual, WindowResults::direct, 1>;
};

// The block's shared memory, as addresses of it.
struct BottleneckShared {
    uint32_t x, window, reduced, w, last_w;
    uint8_t* start;  // what lies at x
    int4* sums;
    int32_t* bias[3];      // in the order of bias_place()
    float* multiplier[3];  // the same
    uint32_t x_full, x_empty, w_full, w_empty, last_w_full, reduced_full, window_full;

    __device__ BottleneckShared(const BottleneckTask& t, int columns, uint8_t* start) : start(start) {
        const Places at(t, columns);
        x = shared_address(start), window = t.window_bytes > 0 ? x + at.window : x;
        reduced = x + at.reduced, w = x + at.w, last_w = x + at.last_w;
        sums = reinterpret_cast<int4*>(start + at.sums);
        uint8_t* after = start + at.constants;
#pragma unroll
        for (int i = 0; i < 3; ++i) {
            const int count = i == 2 ? t.passes * kLastColumns : columns;
            bias[i] = reinterpret_cast<int32_t*>(after);
            multiplier[i] = reinterpret_cast<float*>(after + count * 4);
            after += count * 8;
        }
        x_full = x + at.barriers, x_empty = x_full + t.x_stages * 8;
        w_full = x_empty + t.x_stages * 8, w_empty = w_full + t.w_stages * 8;
        last_w_full = w_empty + t.w_stages * 8, reduced_full = last_w_full + 8,
        window_full = last_w_full + 16;
    }

    // What lies `offset` bytes behind one of the addresses.
    __device__ int8_t* slice(uint32_t address, int offset) const {
        return reinterpret_cast<int8_t*>(start + (address - x) + offset);
    }

    // Of a block that starts at a multiple of 1024.
    static int64_t bytes(const BottleneckTask& t, int columns) { return 1024 + Places(t, columns).bytes; }

  private:
    struct Places {
        int window, reduced, w, last_w, sums, constants, barriers, bytes;

        __host__ __device__ Places(const BottleneckTask& t, int columns) {
            window = t.x_stages * t.x_bytes;
            reduced = window + t.window_bytes;
            w = reduced + t.blocks * t.reduced_rows * columns;
            last_w = w + t.w_stages * t.w_bytes;
            sums = last_w + t.passes * kLastColumns * t.m_widths * t.m_width;
            constants = sums + t.sums_bytes;
            barriers = constants + (2 * columns + t.passes * kLastColumns) * 8;
            bytes = barriers + (2 * t.x_stages + 2 * t.w_stages + 3) * 8;
        }
    };
};

}  // namespace qudnn::kernels
