#include "kernels/image/average_pool.h"

#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"
#include "kernels/image/average.cuh"

namespace qudnn::kernels {
namespace {

// g.c counts vectors.
template <typename V, typename Index>
__global__ void __launch_bounds__(kThreads)
    average_pool_kernel(Index count, PoolGeometry g, Divisor<Index> channels, Divisor<Index> columns,
                        Divisor<Index> rows, Average k, const V* __restrict__ x, V* __restrict__ y) {
    const Index stride = static_cast<Index>(gridDim.x) * kThreads;
    for (Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride) {
        Index image = i;
        const auto channel = static_cast<int64_t>(split(image, channels));
        const auto q = static_cast<int64_t>(split(image, columns));
        const auto p = static_cast<int64_t>(split(image, rows));
        const int64_t top = p * g.stride_h - g.pad_top, left = q * g.stride_w - g.pad_left;
        const int h0 = static_cast<int>(max(top, int64_t{0})), h1 = static_cast<int>(min(top + g.r, g.h));
        const int w0 = static_cast<int>(max(left, int64_t{0})), w1 = static_cast<int>(min(left + g.s, g.w));
        const V* row = x + ((static_cast<int64_t>(image) * g.h + h0) * g.w + w0) * g.c + channel;
        Sums<V> sums;
        for (int h = h0; h < h1; ++h, row += g.w * g.c) {
            const V* pixel = row;
#pragma unroll 4
            for (int w = w0; w < w1; ++w, pixel += g.c) sums.take(*pixel, k);
        }
        const float inside = static_cast<float>((h1 - h0) * (w1 - w0));
        y[i] = sums.value(k.fixed_count > 0 ? k.fixed_count : inside, k);
    }
}

}  // namespace

cudaError_t average_pool(const PoolGeometry& g, const AverageScales& scales, const int8_t* x, int8_t* y,
                         cudaStream_t stream) {
    const Average k(scales, static_cast<float>(g.r * g.s));
    return run_average(g, g.n * g.p * g.q * g.c, x, y,
                       [&]<typename V, typename Index>(const PoolGeometry& v, int64_t count) {
                           const Divisor<Index> channels(v.c), columns(v.q), rows(v.p);
                           return launch(average_pool_kernel<V, Index>, ceil_div(count, kThreads), kThreads,
                                         stream, static_cast<Index>(count), v, channels, columns, rows, k,
                                         reinterpret_cast<const V*>(x), reinterpret_cast<V*>(y));
                       });
}

}  // namespace qudnn::kernels
