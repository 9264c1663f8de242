#include "kernels/elementwise/padded_table.h"

#include "kernels/common/divisor.cuh"
#include "kernels/common/lane_tables.cuh"

namespace qudnn::kernels {
namespace {

// c counts elements, or vectors of them.
template <typename Index>
struct PaddedTable {
    Index count;  // of y
    Divisor<Index> c, columns, rows;
    int64_t h, w, top, left;
    int zero_point;

    PaddedTable(const PaddedTableGeometry& g, int64_t c)
        : count(static_cast<Index>(g.n * g.y_padding.rows(g.h) * g.y_padding.columns(g.w) * c)),
          c(c),
          columns(g.y_padding.columns(g.w)),
          rows(g.y_padding.rows(g.h)),
          h(g.h),
          w(g.w),
          top(g.y_padding.top),
          left(g.y_padding.left),
          zero_point(g.y_zero_point) {}

    // Where in x an element of y comes from; -1 in the padding.
    __device__ int64_t source(Index i) const {
        const Index channel = split(i, c);
        const int64_t column = static_cast<int64_t>(split(i, columns)) - left;
        const int64_t row = static_cast<int64_t>(split(i, rows)) - top;
        if (row < 0 || row >= h || column < 0 || column >= w) return -1;
        return ((static_cast<int64_t>(i) * h + row) * w + column) * c.value + channel;
    }
};

__global__ void __launch_bounds__(kThreads)
    padded_table_vectors(const __grid_constant__ PaddedTable<uint32_t> g, const int8_t* __restrict__ table,
                         const uint4* __restrict__ x, uint4* __restrict__ y) {
    __shared__ LaneTables tables;
    tables.load(table);
    __syncthreads();
    const uint32_t stride = gridDim.x * kThreads;
    for (uint32_t i = blockIdx.x * kThreads + threadIdx.x; i < g.count; i += stride) {
        const int64_t source = g.source(i);
        y[i] = source < 0 ? splat_vector<uint4>(g.zero_point) : tables.look_up(x[source]);
    }
}

__global__ void __launch_bounds__(kThreads)
    padded_table_elements(const __grid_constant__ PaddedTable<uint64_t> g, bool per_channel,
                          const int8_t* __restrict__ table, const int8_t* __restrict__ x,
                          int8_t* __restrict__ y) {
    const uint64_t stride = uint64_t{gridDim.x} * kThreads;
    for (uint64_t i = uint64_t{blockIdx.x} * kThreads + threadIdx.x; i < g.count; i += stride) {
        const int64_t source = g.source(i);
        const uint64_t first = per_channel ? i % g.c.value * 256 : 0;
        y[i] = source < 0 ? static_cast<int8_t>(g.zero_point) : table[first + x[source] + 128];
    }
}

}  // namespace

cudaError_t padded_table(const PaddedTableGeometry& g, bool per_channel, const int8_t* table, const int8_t* x,
                         int8_t* y, cudaStream_t stream) {
    if (g.n * g.h * g.w * g.c == 0) return cudaSuccess;
    const PaddedTable<uint64_t> elements(g, g.c);
    const auto count = static_cast<int64_t>(elements.count);
    if (per_channel || g.c % 16 != 0 || !aligned(x, 16) || !aligned(y, 16) || !narrow(count / 16))
        return launch(padded_table_elements, ceil_div(count, kThreads), kThreads, stream, elements,
                      per_channel, table, x, y);
    constexpr int64_t kMaxBlocks = 2048;  // few, so that filling the tables takes no noticeable time
    return launch(padded_table_vectors, std::min(ceil_div(count / 16, kThreads), kMaxBlocks), kThreads,
                  stream, PaddedTable<uint32_t>(g, g.c / 16), table, reinterpret_cast<const uint4*>(x),
                  reinterpret_cast<uint4*>(y));
}

}  // namespace qudnn::kernels
