#include "kernels/pad.h"

#include "kernels/common.cuh"

namespace qudnn::kernels {
namespace {

// Sizes with c in vectors.
struct PadGeometry {
    int64_t h, w, c;
    int64_t top, left;
    int64_t padded_h, padded_w;
};

template <typename V, typename Index, int kUnroll>
__global__ void __launch_bounds__(kThreads)
    pad_kernel(Index count, PadGeometry g, int value, const V* __restrict__ x, V* __restrict__ y) {
    const Index stride = static_cast<Index>(gridDim.x) * (kThreads * kUnroll);
    const V fill = splat_vector<V>(value);
    for (Index first = static_cast<Index>(blockIdx.x) * (kThreads * kUnroll) + threadIdx.x; first < count;
         first += stride) {
        V v[kUnroll];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            Index i = first + u * kThreads;
            Index pixel = i / static_cast<Index>(g.c), channel = i - pixel * static_cast<Index>(g.c);
            Index row = pixel / static_cast<Index>(g.padded_w),
                  column = pixel - row * static_cast<Index>(g.padded_w);
            Index image = row / static_cast<Index>(g.padded_h);
            int64_t h = static_cast<int64_t>(row - image * static_cast<Index>(g.padded_h)) - g.top;
            int64_t w = static_cast<int64_t>(column) - g.left;
            bool inside = i < count && h >= 0 && h < g.h && w >= 0 && w < g.w;
            v[u] = inside ? x[((static_cast<int64_t>(image) * g.h + h) * g.w + w) * g.c + channel] : fill;
        }
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            Index i = first + u * kThreads;
            if (i < count) y[i] = v[u];
        }
    }
}

template <typename V, typename Index, int kUnroll>
cudaError_t run(int64_t count, const PadGeometry& g, int8_t value, const int8_t* x, int8_t* y,
                cudaStream_t stream) {
    return launch(pad_kernel<V, Index, kUnroll>, ceil_div(count, kThreads * kUnroll), kThreads, stream,
                  static_cast<Index>(count), g, static_cast<int>(value), reinterpret_cast<const V*>(x),
                  reinterpret_cast<V*>(y));
}

}  // namespace

cudaError_t pad(int64_t n, int64_t h, int64_t w, int64_t c, int64_t top, int64_t left, int64_t bottom,
                int64_t right, int8_t value, const int8_t* x, int8_t* y, cudaStream_t stream) {
    PadGeometry g{h, w, c, top, left, top + h + bottom, left + w + right};
    if (g.padded_h < 0 || g.padded_w < 0) return cudaErrorInvalidValue;
    int64_t count = n * g.padded_h * g.padded_w * c;
    if (count == 0) return cudaSuccess;
    if (c % 16 != 0 || !aligned(x, 16) || !aligned(y, 16))
        return run<uint8_t, uint64_t, 1>(count, g, value, x, y, stream);
    g.c /= 16;
    count /= 16;
    if (!narrow(count)) return run<uint4, uint64_t, 4>(count, g, value, x, y, stream);
    return count >= kManyVectors ? run<uint4, uint32_t, 4>(count, g, value, x, y, stream)
                                 : run<uint4, uint32_t, 1>(count, g, value, x, y, stream);
}

}  // namespace qudnn::kernels
