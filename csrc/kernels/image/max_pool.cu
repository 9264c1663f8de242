#include "kernels/image/max_pool.h"

#include "kernels/common/common.cuh"
#include "kernels/image/maximum.cuh"

namespace qudnn::kernels {
namespace {

// c counts vectors; rows and columns those of y with its padding. kSize: the window's sides where they are
// known at compile time, else 0.
template <typename V, typename Index, int kSize>
__global__ void __launch_bounds__(kThreads)
    max_pool_kernel(Index count, PoolGeometry g, Index rows, Index columns, int y_zero_point,
                    const V* __restrict__ x, V* __restrict__ y) {
    const Index stride = static_cast<Index>(gridDim.x) * kThreads;
    for (Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride) {
        Index pixel = i / static_cast<Index>(g.c), channel = i - pixel * static_cast<Index>(g.c);
        Index row = pixel / columns, image = row / rows;
        const int64_t p = static_cast<int64_t>(row - image * rows) - g.y_padding.top;
        const int64_t q = static_cast<int64_t>(pixel - row * columns) - g.y_padding.left;
        if (p < 0 || p >= g.p || q < 0 || q >= g.q) {
            y[i] = splat_vector<V>(y_zero_point);
            continue;
        }
        const int64_t h0 = p * g.stride_h - g.pad_top, w0 = q * g.stride_w - g.pad_left;
        const int64_t origin = ((static_cast<int64_t>(image) * g.h + h0) * g.w + w0) * g.c + channel;
        const int64_t row_step = g.dilation_h * g.w * g.c, column_step = g.dilation_w * g.c;
        Maximum<V> maximum;
        if constexpr (kSize > 0) {
            V taps[kSize * kSize];
#pragma unroll
            for (int t = 0; t < kSize * kSize; ++t) {
                int64_t h = h0 + t / kSize * g.dilation_h, w = w0 + t % kSize * g.dilation_w;
                bool inside = h >= 0 && h < g.h && w >= 0 && w < g.w;
                taps[t] = inside ? x[origin + t / kSize * row_step + t % kSize * column_step]
                                 : splat_vector<V>(-128);
            }
#pragma unroll
            for (int t = 0; t < kSize * kSize; ++t) maximum.take(taps[t]);
        } else {
            for (int64_t r = 0; r < g.r; ++r) {
                int64_t h = h0 + r * g.dilation_h;
                if (h < 0 || h >= g.h) continue;
                for (int64_t s = 0; s < g.s; ++s) {
                    int64_t w = w0 + s * g.dilation_w;
                    if (w >= 0 && w < g.w) maximum.take(x[origin + r * row_step + s * column_step]);
                }
            }
        }
        y[i] = maximum.value();
    }
}

}  // namespace

cudaError_t max_pool(const PoolGeometry& g, int y_zero_point, const int8_t* x, int8_t* y,
                     cudaStream_t stream) {
    const int64_t rows = g.y_padding.rows(g.p), columns = g.y_padding.columns(g.q);
    return run_maximum(g, g.n * rows * columns * g.c, x, y,
                       [&]<typename V, typename Index, int kSize>(const PoolGeometry& v, int64_t count) {
                           return launch(max_pool_kernel<V, Index, kSize>, ceil_div(count, kThreads),
                                         kThreads, stream, static_cast<Index>(count), v,
                                         static_cast<Index>(rows), static_cast<Index>(columns), y_zero_point,
                                         reinterpret_cast<const V*>(x), reinterpret_cast<V*>(y));
                       });
}

}  // namespace qudnn::kernels
