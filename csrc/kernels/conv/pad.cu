#include "kernels/conv/pad.h"

#include "kernels/common/common.cuh"

namespace qudnn::kernels {
namespace {

// Sizes with c in vectors. An image is a volume one slice deep.
struct PadGeometry {
    Volume size;
    int64_t c;
    Volume before, padded;
};

template <typename V, typename Index, int kUnroll, bool kDeep>
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
            Index row = pixel / static_cast<Index>(g.padded.w),
                  column = pixel - row * static_cast<Index>(g.padded.w);
            Index slice = row / static_cast<Index>(g.padded.h);
            int64_t h = static_cast<int64_t>(row - slice * static_cast<Index>(g.padded.h)) - g.before.h;
            int64_t w = static_cast<int64_t>(column) - g.before.w;
            bool inside = i < count && h >= 0 && h < g.size.h && w >= 0 && w < g.size.w;
            auto source = static_cast<int64_t>(slice);
            if (kDeep) {
                Index volume = slice / static_cast<Index>(g.padded.d);
                int64_t d =
                    static_cast<int64_t>(slice - volume * static_cast<Index>(g.padded.d)) - g.before.d;
                inside = inside && d >= 0 && d < g.size.d;
                source = static_cast<int64_t>(volume) * g.size.d + d;
            }
            v[u] = inside ? x[((source * g.size.h + h) * g.size.w + w) * g.c + channel] : fill;
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
    const bool deep = g.before.d != 0 || g.padded.d != g.size.d;
    return launch(deep ? pad_kernel<V, Index, kUnroll, true> : pad_kernel<V, Index, kUnroll, false>,
                  ceil_div(count, kThreads * kUnroll), kThreads, stream, static_cast<Index>(count), g,
                  static_cast<int>(value), reinterpret_cast<const V*>(x), reinterpret_cast<V*>(y));
}

}  // namespace

cudaError_t pad(int64_t n, const Volume& size, int64_t c, const Volume& before, const Volume& after,
                int8_t value, const int8_t* x, int8_t* y, cudaStream_t stream) {
    const Volume padded{before.d + size.d + after.d, before.h + size.h + after.h,
                        before.w + size.w + after.w};
    if (padded.d < 0 || padded.h < 0 || padded.w < 0) return cudaErrorInvalidValue;
    PadGeometry g{size, c, before, padded};
    int64_t count = n * padded.d * padded.h * padded.w * c;
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
