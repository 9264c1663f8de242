// The parameters of window.h's kernel; see window.cuh.
#pragma once

#include "kernels/common/divisor.cuh"
#include "kernels/common/float_divisor.cuh"
#include "kernels/common/hopper.cuh"
#include "kernels/common/padded_images.cuh"

namespace qudnn::kernels {

constexpr int kMaxTaps = 32, kMaxPhases = 4;

// Images of every n-th pixel and the taps that they serve.
struct WindowPhase {
    int first_tap, taps;
};

struct WindowTap {
    int shift;  // rows of the matrix
    int place;  // in the filter
};

// Output lines or columns by which windows reach over the image: the first, the last, those between.
struct WindowBorder {
    int before, after, extent;

    __device__ int kind(int i) const { return min(i, before) + max(i - (extent - after) + 1, 0); }
    __host__ __device__ int kinds() const { return before + after + 1; }
    // An output line or column of the kind.
    __host__ __device__ int example(int kind) const {
        return kind <= before ? kind : extent - after + kind - before - 1;
    }
};

// Pixels that are copied for one tap after the other.
struct WindowGather {
    int taps_across, widths;  // of a line of taps; `width` channels of a tap
    int stride_across, stride_down;
    int dilation_across, dilation_down;
};

struct Window {
    // The matrix.
    bool flat;                       // every row is an output pixel, one after another
    Divisor<uint32_t> pitch, lines;  // rows to the next line, lines to the next image
    int left, top;                   // of the first pixel of an image's lines and of its first line
    bool im2col;                     // a row has a window's pixels, tap by tap, as flat ones have channels
    WindowGather gather;
    int images, p, q;  // output
    int reach;         // rows past a tile's last that windows reach
    int line_bytes;    // of `width` channels
    // The sums.
    int width, widths, depth;  // channels at a time; how often in a block; mmas of 32 bytes in it
    int split;                 // blocks that share the depth of a tile
    int c;
    int phases;
    WindowPhase phase[kMaxPhases];
    WindowTap tap[kMaxTaps];
    // Tiles.
    int tiles, tile_step, column_blocks, k;
    unsigned delay;  // nanoseconds by which every other block of a multiprocessor starts later
    int x_stages, w_stages, y_stages;
    int x_bytes, w_bytes, y_bytes;
    bool resident;
    // The results.
    WindowBorder row_border, column_border;
    int kinds;        // of pixels: vectors of biases
    bool bias_table;  // the kernel before makes them
    bool pads_output;
    PaddedImages<uint32_t> y{1, 1, 1, {}};
    bool adds_constant = false;  // of each channel
    bool looks_up = false;       // results, in a table
};

struct WindowMaps {
    CUtensorMap x[kMaxPhases], w;
    CUtensorMap r, y;  // where results leave through shared memory
};

// Of a residual, or of a constant of each channel, which r has then. Where in_float, of_r is the residual's
// scale, least and most are those of what scale divides, and what follows of_r is of no use but r_origin.
struct WindowAddition {
    const int8_t* r;
    float of_result, of_r, f;
    float least, most;              // of results, before their zero point is added
    float result_origin, r_origin;  // from a rounded result, from a byte's float, to what is added
    bool unsigned_;                 // sums are bytes from 0 to 255, less 128
    bool result_first;
    bool in_float = false;    // see residual.h
    IntegerDivisor scale{1};  // of y, where in_float
};

}  // namespace qudnn::kernels
