#include "kernels/conv/conv.h"

#include "kernels/common/padded_images.cuh"
#include "kernels/gemm/tile.cuh"

namespace qudnn::kernels {
namespace {

// What the kernels below need of a ConvGeometry: sides in 32 bits, products of them in 64.
struct Conv {
    int h, w, r, s, p, q;
    int64_t c, k;
    int group_c, group_k;
    int pad_top, pad_left, stride_h, stride_w, dilation_h, dilation_w;
    int64_t pixels;  // n * p * q
    int64_t depth;   // r * s * group_c
    uint32_t zero_point;
    bool pads_output;
    PaddedImages<uint64_t> y;

    // The place in y of an output pixel.
    __device__ int64_t place(int64_t pixel) const {
        return pads_output ? y.place(static_cast<uint64_t>(pixel)) : pixel;
    }
};

// The pixel's image and the image coordinates of its window's first tap.
struct Window {
    const int8_t* image;
    int h, w;

    __device__ Window(const Conv& g, const int8_t* x, int64_t pixel) {
        const int64_t row = pixel / g.q, n = row / g.p;
        image = x + n * g.h * g.w * g.c;
        h = static_cast<int>(row - n * g.p) * g.stride_h - g.pad_top;
        w = static_cast<int>(pixel - row * g.q) * g.stride_w - g.pad_left;
    }
    // The channels of a tap, null outside the image.
    __device__ const int8_t* tap(const Conv& g, int r, int s) const {
        const int row = h + r * g.dilation_h, column = w + s * g.dilation_w;
        if (row < 0 || row >= g.h || column < 0 || column >= g.w) return nullptr;
        return image + (static_cast<int64_t>(row) * g.w + column) * g.c;
    }
};

// A position along the summed dimension: filter row, filter column, channel of the group.
struct Position {
    int r, s, channel;

    __device__ Position(const Conv& g, int offset)
        : r(offset / g.group_c / g.s), s(offset / g.group_c % g.s), channel(offset % g.group_c) {}

    // Moves on by `step`, a position too, with at most one carry each.
    __device__ void advance(const Conv& g, const Position& step) {
        channel += step.channel;
        s += step.s;
        r += step.r;
        if (channel >= g.group_c) channel -= g.group_c, ++s;
        if (s >= g.s) s -= g.s, ++r;
    }
};

// The windows of a tile's pixels as rows of bytes, as RowLoader reads a matrix. kWords: group_c is a multiple
// of 4.
template <bool kWords>
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

    // Past the last tap the filter's words are 0, so that anything may come.
    __device__ uint32_t load(int j) const {
        if (kWords) {
            const int8_t* tap = windows_[j].tap(g_, position_.r, position_.s);
            return tap ? *reinterpret_cast<const uint32_t*>(tap + position_.channel) : g_.zero_point;
        }
        uint32_t word = 0;
        Position position = position_;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int8_t* tap = windows_[j].tap(g_, position.r, position.s);
            uint32_t byte = tap ? static_cast<uint8_t>(tap[position.channel]) : g_.zero_point & 255;
            word |= byte << (8 * i);
            position.advance(g_, one_);
        }
        return word;
    }
    __device__ void advance() { position_.advance(g_, slab_); }

  private:
    __device__ Window window(const int8_t* x, int64_t pixel, int j) const {
        pixel += threadIdx.x / kSlabWords + j * kRowStep;
        return Window(g_, x, pixel < g_.pixels ? pixel : 0);  // rows past the last are not stored
    }

    const Conv& g_;
    Position position_;
    const Position slab_, one_;
    const Window windows_[kRowsPerThread];
};

// The convolution as a matmul per group: [pixels, depth] * [group_k, depth]^T.
template <class E, typename Y, bool kWords>
__global__ void __launch_bounds__(kThreads)
    tiled_conv_kernel(const __grid_constant__ Conv g, const int8_t* __restrict__ x,
                      const int8_t* __restrict__ filter, E epilogue, bool store_vectors, Y* __restrict__ y) {
    const int64_t column_tiles = (g.group_k + kTile - 1) / kTile, row_tiles = (g.pixels + kTile - 1) / kTile;
    const int64_t tiles = g.k / g.group_k * row_tiles * column_tiles;
    for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        const int64_t column = tile % column_tiles * kTile, row = tile / column_tiles % row_tiles * kTile;
        const int64_t group = tile / column_tiles / row_tiles;
        int acc[4][4];
        multiply_tile(g.depth, WindowLoader<kWords>(g, x + group * g.group_c, row),
                      RowLoader<kWords>(filter + group * g.group_k * g.depth, g.group_k, g.depth, column),
                      acc);
        store_tile(store_vectors, acc, epilogue, row, g.pixels, group * g.group_k + column,
                   g.group_k - column, g.k, y, [&](int64_t pixel) { return g.place(pixel); });
    }
}

// One thread per output: for groups of few output channels, where a tile would be mostly empty.
template <class E, typename Y, bool kWords>
__global__ void __launch_bounds__(kThreads)
    direct_conv_kernel(const __grid_constant__ Conv g, const int8_t* __restrict__ x,
                       const int8_t* __restrict__ filter, E epilogue, Y* __restrict__ y) {
    const int64_t count = g.pixels * g.k;
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads) {
        const int64_t pixel = i / g.k;
        const auto k = static_cast<int>(i - pixel * g.k);
        const Window window(g, x + static_cast<int64_t>(k / g.group_k) * g.group_c, pixel);
        const int8_t* weights = filter + int64_t{k} * g.depth;
        uint32_t acc = 0;  // wraps
        for (int r = 0; r < g.r; ++r) {
            for (int s = 0; s < g.s; ++s, weights += g.group_c) {
                const int8_t* tap = window.tap(g, r, s);
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

constexpr int64_t kMinTileColumns = 16;

// typed: the epilogue for y. There is something to do, and g is not refused.
template <class E, typename Y>
cudaError_t run(const ConvGeometry& g, int x_zero_point, const int8_t* x, const int8_t* filter,
                const Epilogue& epilogue, const E& typed, Y* y, cudaStream_t stream) {
    const int64_t pixels = g.n * g.p * g.q;
    auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    const int64_t group_c = g.c / g.group, group_k = g.k / g.group;
    const Conv geometry{narrowed(g.h),
                        narrowed(g.w),
                        narrowed(g.r),
                        narrowed(g.s),
                        narrowed(g.p),
                        narrowed(g.q),
                        g.c,
                        g.k,
                        narrowed(group_c),
                        narrowed(group_k),
                        narrowed(g.pad_top),
                        narrowed(g.pad_left),
                        narrowed(g.stride_h),
                        narrowed(g.stride_w),
                        narrowed(g.dilation_h),
                        narrowed(g.dilation_w),
                        pixels,
                        g.r * g.s * group_c,
                        splat(x_zero_point),
                        g.y_padding.any(),
                        PaddedImages<uint64_t>(g.n, g.p, g.q, g.y_padding)};
    if constexpr (std::is_same_v<Y, int8_t>) {
        if (geometry.y.count > 0) {
            const cudaError_t status =
                launch(padding_kernel, ceil_div(static_cast<int64_t>(geometry.y.count) * g.k, kThreads),
                       kThreads, stream, geometry, epilogue.zero_point, y);
            if (status != cudaSuccess) return status;
        }
    }
    const bool words = group_c % 4 == 0 && aligned(x, 4) && aligned(filter, 4);
    if (group_k < kMinTileColumns && g.group > 1)
        return launch(words ? direct_conv_kernel<E, Y, true> : direct_conv_kernel<E, Y, false>,
                      ceil_div(pixels * g.k, kThreads), kThreads, stream, geometry, x, filter, typed, y);
    const int64_t tiles = g.group * ceil_div(pixels, kTile) * ceil_div(group_k, kTile);
    const bool store_vectors = group_k % 4 == 0 && aligned(y, 4 * sizeof(Y));
    return launch(words ? tiled_conv_kernel<E, Y, true> : tiled_conv_kernel<E, Y, false>, tiles, kThreads,
                  stream, geometry, x, filter, typed, store_vectors, y);
}

bool is_empty(const ConvGeometry& g) { return g.n * g.p * g.q * g.k == 0; }

}  // namespace

// Coordinates, the taps beyond the image included, are computed in 32 bits.
std::string conv_refusal(const ConvGeometry& g) {
    constexpr int64_t kMax = INT_MAX / 4;
    if (g.group <= 0 || g.c <= 0) return "no channels";
    if (g.c % g.group != 0 || g.k % g.group != 0) return "channels that the groups do not divide";
    for (int64_t side : {g.n, g.h, g.w, g.r, g.s, g.p, g.q, g.stride_h, g.stride_w, g.dilation_h,
                         g.dilation_w, g.group, g.c / g.group, g.k / g.group})
        if (side < 0 || side > kMax) return "a side beyond 2^29";
    if (g.k > INT_MAX) return "output channels beyond 31 bits";
    for (int64_t reach : {std::abs(g.pad_top), std::abs(g.pad_left), g.p * g.stride_h, g.q * g.stride_w,
                          g.r * g.dilation_h, g.s * g.dilation_w})
        if (reach > kMax) return "windows that reach beyond 2^29";
    return {};
}

template <typename Y>
cudaError_t conv(const ConvGeometry& g, int x_zero_point, const int8_t* x, const int8_t* filter,
                 const Epilogue& epilogue, Y* y, cudaStream_t stream) {
    if (is_empty(g)) return cudaSuccess;
    if (!conv_refusal(g).empty()) return cudaErrorInvalidValue;
    if (g.y_padding.any() && !std::is_same_v<Y, int8_t>) return cudaErrorInvalidValue;
    return run(g, x_zero_point, x, filter, epilogue, TypedEpilogue<Y>(epilogue), y, stream);
}

cudaError_t conv_and_residual(const ConvGeometry& g, int x_zero_point, const int8_t* x, const int8_t* filter,
                              const Epilogue& epilogue, const Residual& residual, int8_t* y,
                              cudaStream_t stream) {
    if (is_empty(g)) return cudaSuccess;
    if (!conv_refusal(g).empty() || g.y_padding.any() || !residual.in_float) return cudaErrorInvalidValue;
    return run(g, x_zero_point, x, filter, epilogue, ResidualEpilogue(epilogue, residual), y, stream);
}

template cudaError_t conv(const ConvGeometry&, int, const int8_t*, const int8_t*, const Epilogue&, int8_t*,
                          cudaStream_t);
template cudaError_t conv(const ConvGeometry&, int, const int8_t*, const int8_t*, const Epilogue&, float*,
                          cudaStream_t);
template cudaError_t conv(const ConvGeometry&, int, const int8_t*, const int8_t*, const Epilogue&, int32_t*,
                          cudaStream_t);

}  // namespace qudnn::kernels
