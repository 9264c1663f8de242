// From a convolution's geometry to the parameters of window.h's kernel, on the host.
#pragma once

#include <array>

#include "kernels/window/window.h"
#include "kernels/window/window_block.cuh"
#include "kernels/window/window_kernels.h"

namespace qudnn::kernels {

constexpr double kNanosecondsPerMac = 1.4e-4;  // of a multiprocessor
// Copies for im2col with a stride of 3 gave other pixels, or none, on an H200 with driver 580.159.
constexpr int64_t kMostIm2colStride = 2;
constexpr int64_t kMaxRows = 1 << 30, kMaxExtent = 1 << 20, kMaxBox = 256, kMaxKinds = 32;

// The least distance of lines, or of images in lines, at which all rows between them are outside of both.
// `extent` outputs have taps from `least` to `most` elements after their own, out of `elements`.
inline int64_t spacing(int64_t extent, int64_t elements, int64_t least, int64_t most) {
    return std::min(extent + most - least, std::max(extent + most, elements - least));
}

inline int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -ceil_div(-a, b); }

// Taps along one dimension: the image of every n-th element that tap i reads, and how far after the output.
struct Axis {
    int64_t pad, stride, dilation;

    int64_t offset(int64_t i) const { return i * dilation - pad; }
    int64_t shift(int64_t i) const { return floor_div(offset(i), stride); }
    int64_t phase(int64_t i) const { return offset(i) - shift(i) * stride; }
};

// Output elements whose windows reach over the image's start or end.
inline WindowBorder border(const Axis& axis, int64_t taps, int64_t extent, int64_t elements) {
    const auto inside = [&](int64_t i) {
        return i * axis.stride + axis.offset(0) >= 0 && i * axis.stride + axis.offset(taps - 1) < elements;
    };
    WindowBorder b{0, 0, static_cast<int>(extent)};
    while (b.before < extent && !inside(b.before)) ++b.before;
    while (b.before + b.after < extent && !inside(extent - 1 - b.after)) ++b.after;
    if (b.before == extent) --b.before;  // so that there is one between
    return b;
}

inline bool taken(const ConvGeometry& g) {
    for (int64_t side : {g.n, g.p, g.q, g.h, g.w})
        if (side < 1 || side > kMaxRows) return false;
    for (int64_t side : {g.c, g.k, g.r, g.s, g.stride_h, g.stride_w, g.dilation_h, g.dilation_w})
        if (side < 1 || side > kMaxExtent) return false;
    const int64_t taps = g.r * g.s, pixels = g.n * g.y_padding.rows(g.p) * g.y_padding.columns(g.q);
    return g.group == 1 && g.c % 16 == 0 && g.k % 32 == 0 && taps <= kMaxTaps && taps * g.c <= kMaxExtent &&
           g.pad_top >= 0 && g.pad_left >= 0 && narrow(pixels * ceil_div(g.k, 16)) &&
           (g.p - 1) * g.stride_h <= kMaxExtent && (g.q - 1) * g.stride_w <= kMaxRows;
}

// Whether x itself is the matrix.
inline bool flat(const ConvGeometry& g) {
    return g.r == 1 && g.s == 1 && g.stride_h == 1 && g.stride_w == 1 && g.pad_top == 0 && g.pad_left == 0 &&
           g.p == g.h && g.q == g.w;
}

// The box of an image that copies for im2col move the first tap over, and how far they reach.
struct Im2colBox {
    std::array<int, 2> lower, upper;  // its corners: before the image's first column and line, after its last

    explicit Im2colBox(const ConvGeometry& g)
        : lower{static_cast<int>(-g.pad_left), static_cast<int>(-g.pad_top)},
          upper{static_cast<int>((g.q - 1) * g.stride_w - g.pad_left - (g.w - 1)),
                static_cast<int>((g.p - 1) * g.stride_h - g.pad_top - (g.h - 1))} {}

    static bool possible(const ConvGeometry& g, int width) {
        const Im2colBox box(g);
        for (const int corner : {box.lower[0], box.lower[1], box.upper[0], box.upper[1]})
            if (corner < -128 || corner > 127) return false;
        return !flat(g) && g.c % width == 0 && g.stride_h <= kMostIm2colStride &&
               g.stride_w <= kMostIm2colStride && (g.r - 1) * g.dilation_h <= 255 &&
               (g.s - 1) * g.dilation_w <= 255;
    }
};

// A geometry cut for a width of x; the rest comes with a variant.
struct WindowCut {
    Window window{};
    std::array<std::array<int64_t, 2>, kMaxPhases>
        origin{};                 // of each phase's image, its first line and column
    int64_t pitch = 1, rows = 0;  // of the matrix
    bool possible = false;
    bool flat_results = false;  // y is such a matrix, too

    WindowCut(const ConvGeometry& g, int width, const WindowOptions& options, bool im2col = false) {
        if (im2col && !Im2colBox::possible(g, width)) return;
        const Axis down{g.pad_top, g.stride_h, g.dilation_h}, across{g.pad_left, g.stride_w, g.dilation_w};
        Window& w = window;
        w.width = width, w.widths = static_cast<int>(ceil_div(g.c, width)), w.depth = width / 32, w.split = 1;
        w.c = static_cast<int>(g.c), w.k = static_cast<int>(g.k);
        w.images = static_cast<int>(g.n), w.p = static_cast<int>(g.p), w.q = static_cast<int>(g.q);
        w.flat = flat(g) || im2col;
        const int64_t top = down.shift(0), left = across.shift(0);
        const int64_t bottom = down.shift(g.r - 1), right = across.shift(g.s - 1);
        if (w.flat) {
            rows = g.n * g.p * g.q;
            if (rows > kMaxRows) return;
            w.pitch = Divisor<uint32_t>(g.q), w.lines = Divisor<uint32_t>(g.p);
        } else {
            const int64_t h = ceil_div(g.h, g.stride_h), columns = ceil_div(g.w, g.stride_w);
            const int64_t granule = std::max(1, 128 / width);  // boxes go to multiples of 128 bytes
            pitch = ceil_div(spacing(g.q, columns, left, right), granule) * granule;
            const int64_t lines = spacing(g.p, h, top, bottom);
            rows = g.n * lines * pitch;
            if (pitch > kMaxBox || rows > kMaxRows) return;
            w.pitch = Divisor<uint32_t>(pitch), w.lines = Divisor<uint32_t>(lines);
            w.left = static_cast<int>(left), w.top = static_cast<int>(top);
            w.reach = static_cast<int>((bottom - top) * pitch + right - left);
            w.line_bytes = static_cast<int>(pitch * width);
        }
        if (im2col)
            gather(g);
        else if (!assign_taps(g, down, across))
            return;
        if (options.pads_with_value) {
            w.row_border = border(down, g.r, g.p, g.h), w.column_border = border(across, g.s, g.q, g.w);
            w.kinds = w.row_border.kinds() * w.column_border.kinds();
        } else {
            w.kinds = 1;
        }
        w.bias_table = options.pads_with_value;
        w.adds_constant = options.adds_constant, w.looks_up = options.looks_up;
        w.pads_output = g.y_padding.any();
        w.y = PaddedImages<uint32_t>(g.n, g.p, g.q, g.y_padding);
        flat_results = w.flat && !w.pads_output && w.kinds == 1;
        possible = w.kinds <= kMaxKinds;
    }

    // Each tap's channels, one after the other, are the depth of a flat matrix.
    void gather(const ConvGeometry& g) {
        const auto narrowed = [](int64_t value) { return static_cast<int>(value); };
        window.im2col = true;
        window.left = narrowed(-g.pad_left), window.top = narrowed(-g.pad_top);
        window.gather = {narrowed(g.s),        window.widths,          narrowed(g.stride_w),
                         narrowed(g.stride_h), narrowed(g.dilation_w), narrowed(g.dilation_h)};
        window.widths *= narrowed(g.r * g.s);
        window.phases = 1, window.phase[0] = {0, 1}, window.tap[0] = {0, 0};
    }

    // Which image of every n-th pixel serves which taps; whether there are few enough.
    bool assign_taps(const ConvGeometry& g, const Axis& down, const Axis& across) {
        Window& w = window;
        const int64_t top = down.shift(0), left = across.shift(0);
        int taps = 0;
        for (int64_t r = 0; r < g.r; ++r)
            for (int64_t s = 0; s < g.s; ++s) {
                const std::array<int64_t, 2> of_tap{down.phase(r), across.phase(s)};
                int phase = 0;
                while (phase < w.phases && origin[phase] != of_tap) ++phase;
                if (phase == kMaxPhases) return false;
                origin[phase] = of_tap;
                w.phases = std::max(w.phases, phase + 1);
            }
        for (int phase = 0; phase < w.phases; ++phase) {
            w.phase[phase].first_tap = taps;
            for (int64_t r = 0; r < g.r; ++r)
                for (int64_t s = 0; s < g.s; ++s) {
                    if (origin[phase] != std::array<int64_t, 2>{down.phase(r), across.phase(s)}) continue;
                    w.tap[taps++] = {static_cast<int>((down.shift(r) - top) * pitch + across.shift(s) - left),
                                     static_cast<int>(r * g.s + s)};
                }
            w.phase[phase].taps = taps - w.phase[phase].first_tap;
        }
        return true;
    }

    // The largest number of lines that a tile touches.
    int64_t lines(int tile_rows) const { return ceil_div(tile_rows + window.reach + pitch - 1, pitch); }

    // Of a buffer of x, in all phases.
    int64_t taps() const {
        int64_t taps = 0;
        for (int i = 0; i < window.phases; ++i) taps += window.phase[i].taps;
        return taps;
    }

    // The depth: values that a block's sum adds up.
    double depth() const { return static_cast<double>(taps() * window.widths * window.width); }

    void finish(const WindowKernel& kernel, const WindowVariant& v, int64_t blocks_together = 1) {
        Window& w = window;
        if (w.flat) w.line_bytes = kernel.rows * w.width;
        w.tiles = static_cast<int>(ceil_div(rows, kernel.rows));
        w.column_blocks = static_cast<int>(ceil_div(w.k, kernel.columns));
        w.split = v.split, w.widths /= v.split;
        w.tile_step = v.blocks / w.split / w.column_blocks;
        w.x_stages = v.x_stages, w.w_stages = v.w_stages, w.y_stages = v.y_stages, w.resident = v.resident;
        w.x_bytes = static_cast<int>(
            ceil_div(w.flat ? w.line_bytes : lines(kernel.rows) * w.line_bytes, 1024) * 1024);
        w.w_bytes = kernel.columns * w.width, w.y_bytes = kernel.columns * kernel.rows;
        if (w.split > 1) {  // the sums take the buffers' place
            const int more = kernel.rows * sums_pitch(kernel.columns) * 4 - w.w_stages * w.w_bytes;
            w.x_bytes = std::max(w.x_bytes, static_cast<int>(ceil_div(more, w.x_stages * 1024) * 1024));
        }
        if (blocks_together > 1 && w.tiles > 4 * w.tile_step)
            w.delay = static_cast<unsigned>(static_cast<double>(kernel.rows) * kernel.columns * depth() *
                                            kNanosecondsPerMac);
    }
};

}  // namespace qudnn::kernels
