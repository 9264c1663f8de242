// The kernels of conv.h: a matmul over windows, by tiles, and one thread for each result.
#pragma once

#include "kernels/common/padded_images.cuh"
#include "kernels/conv/conv.h"
#include "kernels/gemm/tile.cuh"

namespace qudnn::kernels {
namespace {

// What the kernels need of a ConvGeometry: sides in 32 bits, products of them in 64.
struct Conv {
    int d, h, w, t, r, s, z, p, q;
    int64_t c, k;
    int group_c, group_k;
    int pad_front, pad_top, pad_left;
    int stride_d, stride_h, stride_w, dilation_d, dilation_h, dilation_w;
    int64_t pixels;  // n * z * p * q
    int64_t depth;   // t * r * s * group_c
    uint32_t zero_point;
    bool pads_output;
    PaddedImages<uint64_t> y;

    // The place in y of an output pixel.
    __device__ int64_t place(int64_t pixel) const {
        return pads_output ? y.place(static_cast<uint64_t>(pixel)) : pixel;
    }
};

// kDeep, below: whether the convolution is one in three dimensions; d, t and z are 1 otherwise.

// The pixel's image, or volume, and the coordinates in it of its window's first tap.
template <bool kDeep>
struct Window {
    const int8_t* image;
    int d = 0, h, w;

    __device__ Window(const Conv& g, const int8_t* x, int64_t pixel) {
        const int64_t row = pixel / g.q, slice = row / g.p, n = kDeep ? slice / g.z : slice;
        image = x + n * (kDeep ? g.d : 1) * g.h * g.w * g.c;
        if constexpr (kDeep) d = static_cast<int>(slice - n * g.z) * g.stride_d - g.pad_front;
        h = static_cast<int>(row - slice * g.p) * g.stride_h - g.pad_top;
        w = static_cast<int>(pixel - row * g.q) * g.stride_w - g.pad_left;
    }
    // The channels of a tap, null outside the image.
    __device__ const int8_t* tap(const Conv& g, int t, int r, int s) const {
        int64_t row = h + r * g.dilation_h;
        const int column = w + s * g.dilation_w;
        if (row < 0 || row >= g.h || column < 0 || column >= g.w) return nullptr;
        if constexpr (kDeep) {
            const int slice = d + t * g.dilation_d;
            if (slice < 0 || slice >= g.d) return nullptr;
            row += static_cast<int64_t>(slice) * g.h;
        }
        return image + (row * g.w + column) * g.c;
    }
};

// A position along the summed dimension: the filter's slice, row and column, channel of the group.
template <bool kDeep>
struct Position {
    int t = 0, r, s, channel;

    __device__ Position(const Conv& g, int offset)
        : r(offset / g.group_c / g.s), s(offset / g.group_c % g.s), channel(offset % g.group_c) {
        if constexpr (kDeep) t = r / g.r, r %= g.r;
    }

    // Moves on by `step`, a position too, with at most one carry each.
    __device__ void advance(const Conv& g, const Position& step) {
        channel += step.channel;
        s += step.s;
        r += step.r;
        if (channel >= g.group_c) channel -= g.group_c, ++s;
        if (s >= g.s) s -= g.s, ++r;
        if constexpr (kDeep) {
            t += step.t;
            if (r >= g.r) r -= g.r, ++t;
        }
    }
};

// The windows of a tile's pixels as rows of bytes, as RowLoader reads a matrix. kWords: group_c is a multiple
// of 4.
template <bool kWords, bool kDeep>
class WindowLoader {
  public:
    __device__ WindowLoader(const Conv& g, const int8_t* x, int64_t pixel)
        : g_(g),
          position_(g, threadIdx.x % kSlabWords * 4),
          slab_(g, kSlab),
          one_(g, 1),
          windows_{window(x, pixel, 0), window(x, pixel, 1), window(x, pixel, 2), window(x, pixel, 3)} {
        static_assert(kRowsPerThread == 4);
    }

    // Past the last tap the filter's words are 0, so these values do not matter.
    __device__ uint32_t load(int j) const {
        if (kWords) {
            const int8_t* tap = windows_[j].tap(g_, position_.t, position_.r, position_.s);
            return tap ? *reinterpret_cast<const uint32_t*>(tap + position_.channel) : g_.zero_point;
        }
        uint32_t word = 0;
        Position<kDeep> position = position_;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int8_t* tap = windows_[j].tap(g_, position.t, position.r, position.s);
            uint32_t byte = tap ? static_cast<uint8_t>(tap[position.channel]) : g_.zero_point & 255;
            word |= byte << (8 * i);
            position.advance(g_, one_);
        }
        return word;
    }
    __device__ void advance() { position_.advance(g_, slab_); }

  private:
    __device__ Window<kDeep> window(const int8_t* x, int64_t pixel, int j) const {
        pixel += threadIdx.x / kSlabWords + j * kRowStep;
        return Window<kDeep>(g_, x, pixel < g_.pixels ? pixel : 0);  // rows past the last are not stored
    }

    const Conv& g_;
    Position<kDeep> position_;
    const Position<kDeep> slab_, one_;
    const Window<kDeep> windows_[kRowsPerThread];
};

// The convolution as a matmul per group: [pixels, depth] * [group_k, depth]^T.
template <class E, typename Y, bool kWords, bool kDeep>
__global__ void __launch_bounds__(kThreads)
    tiled_conv_kernel(const __grid_constant__ Conv g, const int8_t* __restrict__ x,
                      const int8_t* __restrict__ filter, E epilogue, bool store_vectors, Y* __restrict__ y) {
    const int64_t column_tiles = (g.group_k + kTile - 1) / kTile, row_tiles = (g.pixels + kTile - 1) / kTile;
    const int64_t tiles = g.k / g.group_k * row_tiles * column_tiles;
    for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        const int64_t column = tile % column_tiles * kTile, row = tile / column_tiles % row_tiles * kTile;
        const int64_t group = tile / column_tiles / row_tiles;
        int acc[4][4];
        multiply_tile(g.depth, WindowLoader<kWords, kDeep>(g, x + group * g.group_c, row),
                      RowLoader<kWords>(filter + group * g.group_k * g.depth, g.group_k, g.depth, column),
                      acc);
        store_tile(store_vectors, acc, epilogue, row, g.pixels, group * g.group_k + column,
                   g.group_k - column, g.k, y, [&](int64_t pixel) { return g.place(pixel); });
    }
}

// One thread per output: for groups of few output channels, where a tile would be mostly empty.
template <class E, typename Y, bool kWords, bool kDeep>
__global__ void __launch_bounds__(kThreads)
    direct_conv_kernel(const __grid_constant__ Conv g, const int8_t* __restrict__ x,
                       const int8_t* __restrict__ filter, E epilogue, Y* __restrict__ y) {
    const int64_t count = g.pixels * g.k;
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads) {
        const int64_t pixel = i / g.k;
        const auto k = static_cast<int>(i - pixel * g.k);
        const Window<kDeep> window(g, x + static_cast<int64_t>(k / g.group_k) * g.group_c, pixel);
        const int8_t* weights = filter + int64_t{k} * g.depth;
        uint32_t acc = 0;                          // wraps
        const int rows = kDeep ? g.t * g.r : g.r;  // of all of the filter's slices
        for (int row = 0; row < rows; ++row) {
            const int t = kDeep ? row / g.r : 0, r = kDeep ? row % g.r : row;
            for (int s = 0; s < g.s; ++s, weights += g.group_c) {
                const int8_t* tap = window.tap(g, t, r, s);
                if (kWords) {
                    for (int channel = 0; channel < g.group_c; channel += 4) {
                        uint32_t a = tap ? *reinterpret_cast<const uint32_t*>(tap + channel) : g.zero_point;
                        int b = *reinterpret_cast<const int*>(weights + channel);
                        acc = static_cast<uint32_t>(__dp4a(static_cast<int>(a), b, static_cast<int>(acc)));
                    }
                } else {
                    for (int channel = 0; channel < g.group_c; ++channel)
                        acc += static_cast<uint32_t>(
                            (tap ? tap[channel] : static_cast<int8_t>(g.zero_point)) * weights[channel]);
                }
            }
        }
        const int64_t place = g.place(pixel) * g.k + k;
        y[place] = static_cast<Y>(result_at(epilogue, static_cast<int32_t>(acc), epilogue.channel(k), place));
    }
}

__global__ void __launch_bounds__(kThreads)
    padding_kernel(const __grid_constant__ Conv g, int value, int8_t* __restrict__ y) {
    write_padding(g.y, g.k, value, reinterpret_cast<uint8_t*>(y));
}

}  // namespace
}  // namespace qudnn::kernels
