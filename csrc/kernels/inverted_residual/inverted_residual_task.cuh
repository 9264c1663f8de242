// The parameters of inverted_residual.h's kernel, and what lies in the memory of its blocks.
#pragma once

#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"

namespace qudnn::kernels {

constexpr int kInvertedThreads = 256, kInvertedWarps = kInvertedThreads / 32;
constexpr int kInvertedChannels = 32;  // of those between, at a time
constexpr int kInvertedBuffers = 3;    // of weights
constexpr int kInvertedPitch =
    48;  // bytes, of rows of 32: 8 rows that are read at once lie in different banks

struct InvertedTask {
    int h, w, c, m, p, q, k;
    int lines, bands;    // of a cluster, and how many clusters share an image of y
    int x_lines;         // that the cluster's windows reach
    int blocks, chunks;  // of a cluster; of 32 channels between, of all of them
    Divisor<uint32_t> columns, y_columns, octets, vectors;  // of w, q, eights of q and sixteens of c
    int depth;                                              // c in steps of 32
    int x_pitch;                                            // bytes, of rows of x and of the first filter
    int slab_bytes;                                         // of 16 channels of the first step's results
    int window_zero_point;
    // Offsets in bytes.
    int expanded, window, weights, bytes;
    // In a buffer of weights, after those of the first step.
    int last_w, window_w, constants, weight_bytes;

    __host__ __device__ int rows() const { return x_lines * w; }
    __host__ __device__ int y_rows() const { return lines * q; }
};

// A step's constants, of all channels.
struct InvertedEnd {
    const int8_t* w;
    const int32_t* bias;
    const float* multiplier;
    OutputRange range;
};

struct InvertedEnds {
    InvertedEnd of[3];
};

// Of the last step a warp has kRowTiles * 16 rows and kColumnTiles * 8 columns; kColumnWarps lie side by
// side.
template <int kRowTiles_, int kColumnTiles_, int kColumnWarps_, int kStride_>
struct InvertedShape {
    static constexpr int kRowTiles = kRowTiles_, kColumnTiles = kColumnTiles_, kColumnWarps = kColumnWarps_;
    static constexpr int kStride = kStride_;
    static constexpr int kRowWarps = kInvertedWarps / kColumnWarps;
    static constexpr int kRows = kRowWarps * kRowTiles * 16, kColumns = kColumnWarps * kColumnTiles * 8;
    static constexpr int kSumsPitch = kColumns + 8;  // integers
    // Blocks on a multiprocessor: there are registers for two unless a warp has many sums.
    static constexpr int kResident = kRowTiles * kColumnTiles > 12 ? 1 : 2;
};

}  // namespace qudnn::kernels
