#include "kernels/conv/conv3d.h"

#include "kernels/gemm/tile.cuh"

namespace qudnn::kernels {
namespace {

// What the kernels below need of a Conv3dGeometry: sides in 32 bits, products of them in 64.
struct Conv3d {
    int d, h, w, t, r, s, z, p, q;
    int64_t c, k;
    int group_c, group_k;
    int pad_front, pad_top, pad_left;
    int stride_d, stride_h, stride_w, dilation_d, dilation_h, dilation_w;
    int64_t voxels;  // n * z * p * q
    int64_t depth;   // t * r * s * group_c
    uint32_t zero_point;
};

// The output voxel's volume and the coordinates of its window's first tap.
struct Window {
    const int8_t* volume;
    int d, h, w;

    __device__ Window(const Conv3d& g, const int8_t* x, int64_t voxel) {
        const int64_t row = voxel / g.q, slice = row / g.p, n = slice / g.z;
        volume = x + n * g.d * g.h * g.w * g.c;
        d = static_cast<int>(slice - n * g.z) * g.stride_d - g.pad_front;
        h = static_cast<int>(row - slice * g.p) * g.stride_h - g.pad_top;
        w = static_cast<int>(voxel - row * g.q) * g.stride_w - g.pad_left;
    }
    // The channels of a tap, null outside the volume.
    __device__ const int8_t* tap(const Conv3d& g, int t, int r, int s) const {
        const int slice = d + t * g.dilation_d, row = h + r * g.dilation_h, column = w + s * g.dilation_w;
        const bool inside = slice >= 0 && slice < g.d && row >= 0 && row < g.h && column >= 0 && column < g.w;
        if (!inside) return nullptr;
        return volume + ((static_cast<int64_t>(slice) * g.h + row) * g.w + column) * g.c;
    }
};

// A position along the summed dimension: the filter's slice, row and column, and a channel of the group.
struct Position {
    int t, r, s, channel;

    __device__ Position(const Conv3d& g, int offset) {
        int rest = offset / g.group_c;
        channel = offset - rest * g.group_c;
        s = rest % g.s;
        rest /= g.s;
        r = rest % g.r;
        t = rest / g.r;
    }
};

// The windows of a tile's voxels as rows of bytes, as RowLoader reads a matrix. kWords: group_c is a multiple
// of 4.
template <bool kWords>
class WindowLoader {
  public:
    __device__ WindowLoader(const Conv3d& g, const int8_t* x, int64_t voxel)
        : g_(g),
          offset_(threadIdx.x % kSlabWords * 4),
          position_(g, offset_),
          windows_{window(x, voxel, 0), window(x, voxel, 1), window(x, voxel, 2), window(x, voxel, 3)} {
        static_assert(kRowsPerThread == 4);
    }

    // Past the last tap the filter's words are 0, so that anything may come.
    __device__ uint32_t load(int j) const {
        if (kWords) {
            const int8_t* tap = windows_[j].tap(g_, position_.t, position_.r, position_.s);
            return tap && position_.t < g_.t ? *reinterpret_cast<const uint32_t*>(tap + position_.channel)
                                             : g_.zero_point;
        }
        uint32_t word = 0;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const Position position(g_, offset_ + i);
            const int8_t* tap = windows_[j].tap(g_, position.t, position.r, position.s);
            const uint32_t byte = tap ? static_cast<uint8_t>(tap[position.channel]) : g_.zero_point & 255;
            word |= byte << (8 * i);
        }
        return word;
    }
    __device__ void advance() {
        offset_ += kSlab;
        if (kWords) position_ = Position(g_, offset_);
    }

  private:
    __device__ Window window(const int8_t* x, int64_t voxel, int j) const {
        voxel += threadIdx.x / kSlabWords + j * kRowStep;
        return Window(g_, x, voxel < g_.voxels ? voxel : 0);  // rows past the last are not stored
    }

    const Conv3d& g_;
    int offset_;
    Position position_;
    const Window windows_[kRowsPerThread];
};

// The convolution as a matmul per group: [voxels, depth] * [group_k, depth]^T.
template <bool kWords>
__global__ void __launch_bounds__(kThreads)
    tiled_conv3d_kernel(const __grid_constant__ Conv3d g, const int8_t* __restrict__ x,
                        const int8_t* __restrict__ filter, TypedEpilogue<int8_t> epilogue, bool store_vectors,
                        int8_t* __restrict__ y) {
    const int64_t column_tiles = (g.group_k + kTile - 1) / kTile, row_tiles = (g.voxels + kTile - 1) / kTile;
    const int64_t tiles = g.k / g.group_k * row_tiles * column_tiles;
    for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        const int64_t column = tile % column_tiles * kTile, row = tile / column_tiles % row_tiles * kTile;
        const int64_t group = tile / column_tiles / row_tiles;
        int acc[4][4];
        multiply_tile(g.depth, WindowLoader<kWords>(g, x + group * g.group_c, row),
                      RowLoader<kWords>(filter + group * g.group_k * g.depth, g.group_k, g.depth, column),
                      acc);
        store_tile(store_vectors, acc, epilogue, row, g.voxels, group * g.group_k + column,
                   g.group_k - column, g.k, y);
    }
}

// One thread per output: for groups of few output channels, where a tile would be mostly empty.
__global__ void __launch_bounds__(kThreads)
    direct_conv3d_kernel(const __grid_constant__ Conv3d g, const int8_t* __restrict__ x,
                         const int8_t* __restrict__ filter, TypedEpilogue<int8_t> epilogue,
                         int8_t* __restrict__ y) {
    const int64_t count = g.voxels * g.k;
    const auto zero_point = static_cast<int8_t>(g.zero_point);
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads) {
        const int64_t voxel = i / g.k;
        const auto k = static_cast<int>(i - voxel * g.k);
        const Window window(g, x + static_cast<int64_t>(k / g.group_k) * g.group_c, voxel);
        const int8_t* weights = filter + int64_t{k} * g.depth;
        uint32_t acc = 0;  // wraps
        for (int t = 0; t < g.t; ++t) {
            for (int r = 0; r < g.r; ++r) {
                for (int s = 0; s < g.s; ++s, weights += g.group_c) {
                    const int8_t* tap = window.tap(g, t, r, s);
                    for (int channel = 0; channel < g.group_c; ++channel)
                        acc += static_cast<uint32_t>((tap ? tap[channel] : zero_point) * weights[channel]);
                }
            }
        }
        y[i] = static_cast<int8_t>(epilogue.result(static_cast<int32_t>(acc), epilogue.channel(k)));
    }
}

constexpr int64_t kMinTileColumns = 16;

// Coordinates, the taps beyond the volume included, and offsets in a filter are computed in 32 bits.
bool fits(const Conv3dGeometry& g) {
    constexpr int64_t kMax = INT_MAX / 4;
    for (int64_t side : {g.n, g.d, g.h, g.w, g.t, g.r, g.s, g.z, g.p, g.q, g.stride_d, g.stride_h, g.stride_w,
                         g.dilation_d, g.dilation_h, g.dilation_w, g.group})
        if (side < 0 || side > kMax) return false;
    for (int64_t pad : {g.pad_front, g.pad_top, g.pad_left})
        if (std::abs(pad) > kMax) return false;
    for (int64_t reach : {g.z * g.stride_d, g.p * g.stride_h, g.q * g.stride_w, g.t * g.dilation_d,
                          g.r * g.dilation_h, g.s * g.dilation_w})
        if (reach > kMax) return false;
    if (g.group == 0 || g.c <= 0 || g.k > INT_MAX || g.c % g.group != 0 || g.k % g.group != 0) return false;
    const int64_t group_c = g.c / g.group;
    return group_c <= kMax && g.k / g.group <= kMax && g.t <= kMax / g.r && g.t * g.r <= kMax / g.s &&
           g.t * g.r * g.s <= kMax / group_c;
}

int narrowed(int64_t value) { return static_cast<int>(value); }

}  // namespace

cudaError_t conv3d(const Conv3dGeometry& g, int x_zero_point, const int8_t* x, const int8_t* filter,
                   const Epilogue& epilogue, int8_t* y, cudaStream_t stream) {
    const int64_t voxels = g.n * g.z * g.p * g.q;
    if (voxels * g.k == 0) return cudaSuccess;
    if (!fits(g)) return cudaErrorInvalidValue;

    const int64_t group_c = g.c / g.group, group_k = g.k / g.group;
    const Conv3d geometry{
        .d = narrowed(g.d),
        .h = narrowed(g.h),
        .w = narrowed(g.w),
        .t = narrowed(g.t),
        .r = narrowed(g.r),
        .s = narrowed(g.s),
        .z = narrowed(g.z),
        .p = narrowed(g.p),
        .q = narrowed(g.q),
        .c = g.c,
        .k = g.k,
        .group_c = narrowed(group_c),
        .group_k = narrowed(group_k),
        .pad_front = narrowed(g.pad_front),
        .pad_top = narrowed(g.pad_top),
        .pad_left = narrowed(g.pad_left),
        .stride_d = narrowed(g.stride_d),
        .stride_h = narrowed(g.stride_h),
        .stride_w = narrowed(g.stride_w),
        .dilation_d = narrowed(g.dilation_d),
        .dilation_h = narrowed(g.dilation_h),
        .dilation_w = narrowed(g.dilation_w),
        .voxels = voxels,
        .depth = g.t * g.r * g.s * group_c,
        .zero_point = splat(x_zero_point),
    };
    const TypedEpilogue<int8_t> typed(epilogue);
    if (group_k < kMinTileColumns && g.group > 1)
        return launch(direct_conv3d_kernel, ceil_div(voxels * g.k, kThreads), kThreads, stream, geometry, x,
                      filter, typed, y);
    const bool words = group_c % 4 == 0 && aligned(x, 4) && aligned(filter, 4);
    const bool store_vectors = group_k % 4 == 0 && aligned(y, 4);
    const int64_t tiles = g.group * ceil_div(voxels, kTile) * ceil_div(group_k, kTile);
    return launch(words ? tiled_conv3d_kernel<true> : tiled_conv3d_kernel<false>, tiles, kThreads, stream,
                  geometry, x, filter, typed, store_vectors, y);
}

}  // namespace qudnn::kernels
