#include "kernels/border/table_exit.h"

#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"

namespace qudnn::kernels {
namespace {

template <typename Index>
struct ExitPlaces {
    int rank;
    Divisor<Index> extent[kMaxBorderRank];  // of what leaves
    int64_t inside_stride[kMaxBorderRank], outside_stride[kMaxBorderRank];
};

// By the elements that leave, in their order inside.
template <typename Index>
__global__ void __launch_bounds__(kThreads)
    leave(Index count, const __grid_constant__ ExitPlaces<Index> g, const float* __restrict__ table,
          int64_t row, const int8_t* __restrict__ x, float* __restrict__ y) {
    const Index step = static_cast<Index>(gridDim.x) * kThreads;
    for (Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += step) {
        Index rest = i;
        const auto channel = static_cast<int64_t>(split(rest, g.extent[g.rank - 1]));
        int64_t from = channel, to = channel * g.outside_stride[g.rank - 1];
        for (int d = g.rank - 2; d >= 0; --d) {
            const auto place = static_cast<int64_t>(split(rest, g.extent[d]));
            from += place * g.inside_stride[d];
            to += place * g.outside_stride[d];
        }
        y[to] = __ldg(table + channel * row + x[from] + 128);
    }
}

template <typename Index>
cudaError_t run(const BorderGeometry& g, FloatTable table, int64_t count, const int8_t* x, float* y,
                cudaStream_t stream) {
    ExitPlaces<Index> places{};
    places.rank = g.rank;
    int64_t stride = 1;
    for (int d = g.rank - 1; d >= 0; --d) {
        places.extent[d] = Divisor<Index>(g.extent[d]);
        places.inside_stride[d] = stride;
        places.outside_stride[d] = g.outside_stride[d];
        stride *= g.inside[d];
    }
    return launch(leave<Index>, ceil_div(count, kThreads), kThreads, stream, static_cast<Index>(count),
                  places, table.values, table.per_channel ? int64_t{256} : int64_t{0}, x, y);
}

}  // namespace

cudaError_t table_from_island(const BorderGeometry& g, FloatTable table, const int8_t* x, float* y,
                              cudaStream_t stream) {
    int64_t count = 1;
    for (int d = 0; d < g.rank; ++d) count *= g.extent[d];
    if (count == 0) return cudaSuccess;
    return narrow(count) ? run<uint32_t>(g, table, count, x, y, stream)
                         : run<uint64_t>(g, table, count, x, y, stream);
}

}  // namespace qudnn::kernels
