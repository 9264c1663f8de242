#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"
#include "kernels/image/maximum.cuh"
#include "kernels/image/pool3d.h"

namespace qudnn::kernels {
namespace {

__device__ inline bool inside(int64_t at, int64_t extent) { return at >= 0 && at < extent; }

// g.c counts vectors. kSize: the window's rows and columns where they are known at compile time, else 0.
template <typename V, typename Index, int kSize>
__global__ void __launch_bounds__(kThreads)
    max_pool3d_kernel(Index count, VolumeGeometry g, Divisor<Index> channels, Divisor<Index> columns,
                      Divisor<Index> rows, Divisor<Index> slices, const V* __restrict__ x,
                      V* __restrict__ y) {
    const Index stride = static_cast<Index>(gridDim.x) * kThreads;
    for (Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride) {
        Index volume = i;
        const auto channel = static_cast<int64_t>(split(volume, channels));
        const int64_t w0 = static_cast<int64_t>(split(volume, columns)) * g.stride_w - g.pad_left;
        const int64_t h0 = static_cast<int64_t>(split(volume, rows)) * g.stride_h - g.pad_top;
        const int64_t d0 = static_cast<int64_t>(split(volume, slices)) * g.stride_d - g.pad_front;
        Maximum<V> maximum;
        for (int64_t t = 0; t < g.t; ++t) {
            const int64_t d = d0 + t * g.dilation_d;
            if (!inside(d, g.d)) continue;
            const int64_t slice = (static_cast<int64_t>(volume) * g.d + d) * g.h;
            if constexpr (kSize > 0) {
                V taps[kSize * kSize];
#pragma unroll
                for (int tap = 0; tap < kSize * kSize; ++tap) {
                    const int64_t h = h0 + tap / kSize * g.dilation_h, w = w0 + tap % kSize * g.dilation_w;
                    taps[tap] = inside(h, g.h) && inside(w, g.w) ? x[((slice + h) * g.w + w) * g.c + channel]
                                                                 : splat_vector<V>(-128);
                }
#pragma unroll
                for (int tap = 0; tap < kSize * kSize; ++tap) maximum.take(taps[tap]);
            } else {
                for (int64_t r = 0; r < g.r; ++r) {
                    const int64_t h = h0 + r * g.dilation_h;
                    if (!inside(h, g.h)) continue;
                    for (int64_t s = 0; s < g.s; ++s) {
                        const int64_t w = w0 + s * g.dilation_w;
                        if (inside(w, g.w)) maximum.take(x[((slice + h) * g.w + w) * g.c + channel]);
                    }
                }
            }
        }
        y[i] = maximum.value();
    }
}

}  // namespace

cudaError_t max_pool3d(const VolumeGeometry& g, const int8_t* x, int8_t* y, cudaStream_t stream) {
    return run_maximum(g, g.n * g.z * g.p * g.q * g.c, x, y,
                       [&]<typename V, typename Index, int kSize>(const VolumeGeometry& v, int64_t count) {
                           return launch(max_pool3d_kernel<V, Index, kSize>, ceil_div(count, kThreads),
                                         kThreads, stream, static_cast<Index>(count), v, Divisor<Index>(v.c),
                                         Divisor<Index>(v.q), Divisor<Index>(v.p), Divisor<Index>(v.z),
                                         reinterpret_cast<const V*>(x), reinterpret_cast<V*>(y));
                       });
}

}  // namespace qudnn::kernels
