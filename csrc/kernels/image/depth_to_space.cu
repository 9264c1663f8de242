#include "kernels/image/depth_to_space.h"

#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"

namespace qudnn::kernels {
namespace {

template <typename Index>
struct BlockDivisors {
    Divisor<Index> channels, columns, rows, block;
};

// g.c counts vectors.
template <typename V, typename Index, int kUnroll>
__global__ void __launch_bounds__(kThreads)
    depth_to_space_kernel(Index count, DepthToSpaceGeometry g, BlockDivisors<Index> by,
                          const V* __restrict__ x, V* __restrict__ y) {
    const Index stride = static_cast<Index>(gridDim.x) * (kThreads * kUnroll);
    for (Index first = static_cast<Index>(blockIdx.x) * (kThreads * kUnroll) + threadIdx.x; first < count;
         first += stride) {
        V v[kUnroll];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            if (first + u * kThreads >= count) break;
            Index image = first + u * kThreads;
            const auto channel = static_cast<int64_t>(split(image, by.channels));
            Index w = split(image, by.columns) + static_cast<Index>(g.left);
            Index h = split(image, by.rows) + static_cast<Index>(g.top);
            const auto j = static_cast<int64_t>(split(w, by.block));
            const auto i = static_cast<int64_t>(split(h, by.block));
            const int64_t pixel =
                (static_cast<int64_t>(image) * g.h + static_cast<int64_t>(h)) * g.w + static_cast<int64_t>(w);
            v[u] = x[((pixel * g.block + i) * g.block + j) * g.c + channel];
        }
#pragma unroll
        for (int u = 0; u < kUnroll; ++u)
            if (first + u * kThreads < count) y[first + u * kThreads] = v[u];
    }
}

template <typename V, typename Index, int kUnroll>
cudaError_t run(int64_t count, const DepthToSpaceGeometry& g, const int8_t* x, int8_t* y,
                cudaStream_t stream) {
    const BlockDivisors<Index> by{Divisor<Index>(g.c), Divisor<Index>(g.q), Divisor<Index>(g.p),
                                  Divisor<Index>(g.block)};
    return launch(depth_to_space_kernel<V, Index, kUnroll>, ceil_div(count, kThreads * kUnroll), kThreads,
                  stream, static_cast<Index>(count), g, by, reinterpret_cast<const V*>(x),
                  reinterpret_cast<V*>(y));
}

}  // namespace

cudaError_t depth_to_space(const DepthToSpaceGeometry& geometry, const int8_t* x, int8_t* y,
                           cudaStream_t stream) {
    DepthToSpaceGeometry g = geometry;
    int64_t count = g.n * g.p * g.q * g.c;
    if (count == 0) return cudaSuccess;
    const bool narrow_sides = narrow(g.h * g.block) && narrow(g.w * g.block);
    if (g.c % 16 != 0 || !aligned(x, 16) || !aligned(y, 16)) {
        return narrow(count) && narrow_sides ? run<uint8_t, uint32_t, 1>(count, g, x, y, stream)
                                             : run<uint8_t, uint64_t, 1>(count, g, x, y, stream);
    }
    g.c /= 16;
    count /= 16;
    if (!narrow(count) || !narrow_sides) return run<uint4, uint64_t, 1>(count, g, x, y, stream);
    return count >= kManyVectors ? run<uint4, uint32_t, 4>(count, g, x, y, stream)
                                 : run<uint4, uint32_t, 1>(count, g, x, y, stream);
}

}  // namespace qudnn::kernels
