// From a residual block to the parameters of bottleneck.h's kernel, on the host.
#pragma once

#include <algorithm>
#include <bit>

#include "kernels/bottleneck/bottleneck.h"
#include "kernels/bottleneck/bottleneck_task.cuh"
#include "kernels/common/gpu.h"

namespace qudnn::kernels {

struct BottleneckKernel {
    int tiles, window_tiles, columns;  // see BottleneckShape
    void (*run)(BottleneckTask, BottleneckMaps, BottleneckEnds, WindowAddition, int8_t*);
};

// A variant of a block: whether there is such a kernel is not asked here.
struct BottleneckCut {
    BottleneckTask task{};
    int tiles = 0, window_tiles = 0;  // see BottleneckShape
    int64_t tasks = 0, shared_bytes = 0;
    bool possible = false;

    // loops: clusters take one task after the other.
    BottleneckCut(const Bottleneck& b, const BottleneckVariant& v, bool loops, const Gpu& gpu) {
        const auto narrowed = [](int64_t value) { return static_cast<int>(value); };
        const int64_t pitch = b.q() + 1, x_lines = (v.lines - 1) * b.stride + 3, rows = x_lines * b.w;
        const int64_t window_rows = v.lines * pitch - 1;  // up to the last line's last pixel
        tiles = rows <= 64 ? 0 : narrowed(ceil_div(rows, 128));
        window_tiles = narrowed(ceil_div(window_rows, 64));
        const int64_t blocks = b.m / v.columns;
        if (tiles > 2 || window_tiles > 2 || (tiles == 0 && window_tiles == 2) || b.m % v.columns != 0 ||
            b.c % v.width != 0 || !std::has_single_bit(static_cast<uint64_t>(blocks)) ||
            b.k % (blocks * kLastColumns) != 0)
            return;
        BottleneckTask& t = task;
        t.h = narrowed(b.h), t.w = narrowed(b.w);
        t.p = narrowed(b.p()), t.q = narrowed(b.q()), t.k = narrowed(b.k);
        t.lines = v.lines, t.bands = narrowed(ceil_div(b.p(), v.lines)), t.x_lines = narrowed(x_lines);
        t.log_stride = narrowed(b.stride - 1);
        t.columns = Divisor<uint32_t>(b.w), t.pitch = Divisor<uint32_t>(pitch);
        t.blocks = narrowed(blocks), t.passes = narrowed(b.k / blocks / kLastColumns);
        t.x_width = v.width, t.x_widths = narrowed(b.c / t.x_width);
        t.m_width = b.m % 128 == 0 ? 128 : 64, t.m_widths = narrowed(b.m / t.m_width);
        t.x_rows = narrowed(rows);
        t.x_bytes = narrowed(rounded_up(rows * t.x_width, 1024));
        t.w_bytes = v.columns * std::max(t.x_width, t.m_width);
        // Up to the last row that a tap of the last pixel reads; matrices begin at multiples of 1024.
        const int64_t reach = b.stride == 1 ? 2 * pitch + 2 : pitch + 1;
        t.phase_rows = narrowed(window_rows + reach);
        t.reduced_rows = narrowed(rounded_up(t.phase_rows * b.stride * b.stride, 1024 / v.columns));
        for (int tap = 0; tap < kBottleneckTaps; ++tap) t.tap_rows[tap] = t.reduced_row(tap / 3, tap % 3);
        tasks = b.n * t.bands;
        t.tasks = narrowed(tasks), t.clusters = 1;
        const int64_t window_bytes = int64_t{window_tiles} * 64 * b.m;
        t.window_bytes = loops ? narrowed(rounded_up(window_bytes, 1024)) : 0;
        t.sums_bytes = window_tiles == 1 ? v.columns * 256 : 0;  // half of the sums of 64 rows, of two groups
        choose_stages(v, loops, loops ? 0 : window_bytes, gpu);
    }

    int64_t blocks() const { return int64_t{task.clusters} * task.blocks; }

    // Microseconds, about, on an H200: what no cut makes shorter, of the first task and of others, and what
    // each multiprocessor multiplies. resident: blocks that share one.
    double microseconds(int resident) const {
        constexpr double kFirst = 4.5, kOther = 2, kCyclesPerMicrosecond = 1700;
        const int columns = task.w_bytes / std::max(task.x_width, task.m_width);
        // Reading operands from shared memory takes an mma longer than multiplying if it has few columns.
        const auto cycles = [](int n) { return std::max(n / 2, 16 + n / 4); };
        const int x_steps = task.x_widths * task.x_width / 32, m_steps = task.m_widths * task.m_width / 32;
        const double work = static_cast<double>(ceil_div(task.x_rows, 64)) * x_steps * cycles(columns) +
                            static_cast<double>(window_tiles) * m_steps *
                                (kBottleneckTaps * cycles(columns) + task.passes * cycles(kLastColumns));
        const auto turns = static_cast<double>(ceil_div(tasks, task.clusters));
        return kFirst + (turns - 1) * kOther + turns * resident * work / kCyclesPerMicrosecond;
    }

  private:
    static int64_t rounded_up(int64_t value, int64_t to) { return ceil_div(value, to) * to; }

    // As many buffers as there is room for, those of x for `least_of_x` bytes and more. The weights' are
    // filled while the kernels before still run: where all have one, there is no more to do for them.
    void choose_stages(const BottleneckVariant& v, bool loops, int64_t least_of_x, const Gpu& gpu) {
        constexpr int kMostOfX = 8, kMostOfWeights = 80;
        constexpr int kEnoughOfX = 4;        // where there is not room for all weights
        constexpr int kLeast = 2;            // a buffer is given back while the mmas of the next one run
        constexpr int64_t kReserved = 1024;  // of a block, by the GPU
        BottleneckTask& t = task;
        const int64_t room =
            std::min<int64_t>(gpu.shared_bytes, (gpu.shared_bytes + kReserved) / v.resident - kReserved);
        const int steps = t.x_widths + kBottleneckTaps * t.m_widths, x_bytes = t.x_bytes,
                  most = loops ? kMostOfX : std::min(t.x_widths, kMostOfX), least = std::min(most, kLeast);
        const auto fits = [&](int x_stages, int w_stages) {
            t.x_stages = x_stages, t.w_stages = w_stages, t.keeps_weights = w_stages == steps;
            t.x_bytes = std::max(x_bytes, static_cast<int>(rounded_up(ceil_div(least_of_x, x_stages), 1024)));
            shared_bytes = BottleneckShared::bytes(t, v.columns);
            return possible = shared_bytes <= room;
        };
        if (steps <= kMostOfWeights)
            for (int x_stages = most; x_stages >= least; --x_stages)
                if (fits(x_stages, steps)) return;
        for (int x_stages = std::min(most, kEnoughOfX); x_stages >= least; --x_stages)
            for (int w_stages = std::min(steps - 1, kMostOfWeights); w_stages >= std::min(kLeast + 2, steps);
                 --w_stages)
                if (fits(x_stages, w_stages)) return;
    }
};

}  // namespace qudnn::kernels
