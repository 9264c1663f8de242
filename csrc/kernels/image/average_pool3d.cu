#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"
#include "kernels/image/average.cuh"
#include "kernels/image/pool3d.h"

namespace qudnn::kernels {
namespace {

// The part of a window along one axis that lies inside the volume.
struct Span {
    int64_t first, last;  // last: one past it

    __device__ Span(int64_t start, int64_t window, int64_t extent)
        : first(max(start, int64_t{0})), last(min(start + window, extent)) {}
    __device__ int64_t size() const { return last - first; }
};

// g.c counts vectors.
template <typename V, typename Index>
__global__ void __launch_bounds__(kThreads)
    average_pool3d_kernel(Index count, VolumeGeometry g, Divisor<Index> channels, Divisor<Index> columns,
                          Divisor<Index> rows, Divisor<Index> slices, Average k, const V* __restrict__ x,
                          V* __restrict__ y) {
    const Index stride = static_cast<Index>(gridDim.x) * kThreads;
    for (Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride) {
        Index volume = i;
        const auto channel = static_cast<int64_t>(split(volume, channels));
        const auto q = static_cast<int64_t>(split(volume, columns));
        const auto p = static_cast<int64_t>(split(volume, rows));
        const auto z = static_cast<int64_t>(split(volume, slices));
        const Span depth(z * g.stride_d - g.pad_front, g.t, g.d);
        const Span height(p * g.stride_h - g.pad_top, g.r, g.h);
        const Span width(q * g.stride_w - g.pad_left, g.s, g.w);
        const int64_t row_step = g.w * g.c, slice_step = g.h * row_step;
        const V* slice = x + (static_cast<int64_t>(volume) * g.d + depth.first) * slice_step +
                         height.first * row_step + width.first * g.c + channel;
        Sums<V> sums;
        for (int64_t d = depth.first; d < depth.last; ++d, slice += slice_step) {
            const V* row = slice;
            for (int64_t h = height.first; h < height.last; ++h, row += row_step) {
                const V* pixel = row;
#pragma unroll 4
                for (int64_t w = width.first; w < width.last; ++w, pixel += g.c) sums.take(*pixel, k);
            }
        }
        const auto inside = static_cast<float>(depth.size() * height.size() * width.size());
        y[i] = sums.value(k.fixed_count > 0 ? k.fixed_count : inside, k);
    }
}

}  // namespace

cudaError_t average_pool3d(const VolumeGeometry& g, const AverageScales& scales, const int8_t* x, int8_t* y,
                           cudaStream_t stream) {
    // Three sides, of which each fits into 31 bits, do not fit into an int64.
    const double window = static_cast<double>(g.t) * static_cast<double>(g.r) * static_cast<double>(g.s);
    const Average k(scales, static_cast<float>(window));
    return run_average(g, g.n * g.z * g.p * g.q * g.c, x, y,
                       [&]<typename V, typename Index>(const VolumeGeometry& v, int64_t count) {
                           const Divisor<Index> channels(v.c), columns(v.q), rows(v.p), slices(v.z);
                           return launch(average_pool3d_kernel<V, Index>, ceil_div(count, kThreads), kThreads,
                                         stream, static_cast<Index>(count), v, channels, columns, rows,
                                         slices, k, reinterpret_cast<const V*>(x), reinterpret_cast<V*>(y));
                       });
}

}  // namespace qudnn::kernels
