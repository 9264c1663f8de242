#include "kernels/table.h"

#include "kernels/common.cuh"

namespace qudnn::kernels {
namespace {

// A copy of the table for each lane of a warp, in that lane's bank, so that lookups never collide:
// word 32 * i + lane holds entries 4 i .. 4 i + 3.
struct LaneTables {
    uint32_t words[64 * 32];

    __device__ void load(const int8_t* table) {
        for (int i = threadIdx.x; i < 64 * 32; i += kThreads) {
            const auto* entry = reinterpret_cast<const uint8_t*>(table) + i / 32 * 4;
            words[i] = static_cast<uint32_t>(entry[0]) | static_cast<uint32_t>(entry[1]) << 8 |
                       static_cast<uint32_t>(entry[2]) << 16 | static_cast<uint32_t>(entry[3]) << 24;
        }
    }
    __device__ uint32_t entry(const uint8_t* lane_table, uint32_t index) const {
        return lane_table[index + index / 4 * 124];
    }
    __device__ uint32_t look_up(uint32_t word) const {
        const auto* mine = reinterpret_cast<const uint8_t*>(words + threadIdx.x % 32);
        word ^= kByteBias;
        return pack(entry(mine, word & 255), entry(mine, word >> 8 & 255), entry(mine, word >> 16 & 255),
                    entry(mine, word >> 24));
    }
    __device__ uint4 look_up(const uint4& v) const {
        return {look_up(v.x), look_up(v.y), look_up(v.z), look_up(v.w)};
    }
};

template <int kUnroll>
__global__ void __launch_bounds__(kThreads)
    table_vectors(int64_t count, const int8_t* __restrict__ table, const uint4* x, uint4* y) {
    __shared__ LaneTables tables;
    const int64_t stride = int64_t{gridDim.x} * kThreads * kUnroll;
    tables.load(table);
    __syncthreads();
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
        // Few enough blocks that filling the tables does not count.
        constexpr int kUnroll = 4, kMaxBlocks = 2048;
        const auto* source = reinterpret_cast<const uint4*>(x);
        auto* target = reinterpret_cast<uint4*>(y);
        const cudaError_t status =
            vectors >= kManyVectors
                ? launch(table_vectors<kUnroll>,
                         std::min<int64_t>(ceil_div(vectors, kThreads * kUnroll), kMaxBlocks), kThreads,
                         stream, vectors, table, source, target)
                : launch(table_vectors<1>, std::min<int64_t>(ceil_div(vectors, kThreads), kMaxBlocks),
                         kThreads, stream, vectors, table, source, target);
        if (status != cudaSuccess) return status;
    }
    if (done == count) return cudaSuccess;
    return launch(table_elements, ceil_div(count - done, kThreads), kThreads, stream, count - done, table,
                  x + done, y + done);
}

}  // namespace qudnn::kernels
