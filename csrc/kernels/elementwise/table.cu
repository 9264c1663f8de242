#include "kernels/elementwise/table.h"

#include "kernels/common/dependent_launch.cuh"
#include "kernels/common/lane_tables.cuh"

namespace qudnn::kernels {
namespace {

template <int kUnroll>
__global__ void __launch_bounds__(kThreads)
    table_vectors(int64_t count, const int8_t* __restrict__ table, const uint4* x, uint4* y) {
    __shared__ LaneTables tables;
    const int64_t stride = int64_t{gridDim.x} * kThreads * kUnroll;
    let_next_kernel_start();
    tables.load(table);
    __syncthreads();
    wait_for_kernels_before();
    for (int64_t first = int64_t{blockIdx.x} * kThreads * kUnroll + threadIdx.x; first < count;
         first += stride) {
        uint4 v[kUnroll];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u)
            if (first + u * kThreads < count) v[u] = x[first + u * kThreads];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u)
            if (first + u * kThreads < count) y[first + u * kThreads] = tables.look_up(v[u]);
    }
}

__global__ void __launch_bounds__(kThreads)
    table_elements(int64_t count, const int8_t* __restrict__ table, const int8_t* x, int8_t* y) {
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads)
        y[i] = table[x[i] + 128];
}

}  // namespace

cudaError_t table(int64_t count, const int8_t* table, const int8_t* x, int8_t* y, cudaStream_t stream) {
    if (count == 0) return cudaSuccess;
    const int64_t vectors = aligned(x, 16) && aligned(y, 16) ? count / 16 : 0, done = vectors * 16;
    if (vectors > 0) {
        // Few blocks, so that filling the tables takes no noticeable time.
        constexpr int kUnroll = 4, kMaxBlocks = 2048;
        const auto* source = reinterpret_cast<const uint4*>(x);
        auto* target = reinterpret_cast<uint4*>(y);
        const cudaError_t status =
            vectors >= kManyVectors
                ? launch_dependent(table_vectors<kUnroll>,
                                   std::min<int64_t>(ceil_div(vectors, kThreads * kUnroll), kMaxBlocks),
                                   kThreads, 0, stream, vectors, table, source, target)
                : launch_dependent(table_vectors<1>,
                                   std::min<int64_t>(ceil_div(vectors, kThreads), kMaxBlocks), kThreads, 0,
                                   stream, vectors, table, source, target);
        if (status != cudaSuccess) return status;
    }
    if (done == count) return cudaSuccess;
    return launch(table_elements, ceil_div(count - done, kThreads), kThreads, stream, count - done, table,
                  x + done, y + done);
}

}  // namespace qudnn::kernels
