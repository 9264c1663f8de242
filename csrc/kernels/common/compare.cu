#include "kernels/common/compare.h"

#include "kernels/common/common.cuh"

namespace qudnn::kernels {
namespace {

constexpr int64_t kMostBlocks = 4096;

__device__ inline uint32_t inverted(uint8_t v) { return static_cast<uint8_t>(~v); }
__device__ inline uint4 inverted(uint4 v) { return {~v.x, ~v.y, ~v.z, ~v.w}; }

__device__ inline unsigned differences(uint8_t a, uint8_t b) { return a != b; }
__device__ inline unsigned differences(uint32_t a, uint32_t b) { return __popc(__vcmpne4(a, b)) / 8; }
__device__ inline unsigned differences(uint4 a, uint4 b) {
    return differences(a.x, b.x) + differences(a.y, b.y) + differences(a.z, b.z) + differences(a.w, b.w);
}

template <typename V>
__global__ void __launch_bounds__(kThreads) invert_kernel(int64_t count, const V* __restrict__ x, V* y) {
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads)
        y[i] = inverted(x[i]);
}

template <typename V>
__global__ void __launch_bounds__(kThreads)
    count_kernel(int64_t count, const V* __restrict__ a, const V* __restrict__ b, unsigned long long* total) {
    unsigned long long found = 0;
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads)
        found += differences(a[i], b[i]);
    if (found > 0) atomicAdd(total, found);  // rare: results agree
}

// The rest after whole vectors, or all of it if it is not aligned, is compared byte by byte.
template <typename Vectors, typename Bytes>
cudaError_t in_parts(int64_t bytes, bool vectors, Vectors&& run_vectors, Bytes&& run_bytes) {
    const int64_t whole = vectors ? bytes / 16 : 0;
    if (whole > 0) {
        if (const cudaError_t error = run_vectors(whole); error != cudaSuccess) return error;
    }
    return bytes > whole * 16 ? run_bytes(whole * 16) : cudaSuccess;
}

int64_t blocks(int64_t count) { return std::min(ceil_div(count, kThreads), kMostBlocks); }

}  // namespace

cudaError_t invert(int64_t bytes, const int8_t* x, int8_t* y, cudaStream_t stream) {
    return in_parts(
        bytes, aligned(x, 16) && aligned(y, 16),
        [&](int64_t n) {
            return launch(invert_kernel<uint4>, blocks(n), kThreads, stream, n,
                          reinterpret_cast<const uint4*>(x), reinterpret_cast<uint4*>(y));
        },
        [&](int64_t from) {
            return launch(invert_kernel<uint8_t>, blocks(bytes - from), kThreads, stream, bytes - from,
                          reinterpret_cast<const uint8_t*>(x + from), reinterpret_cast<uint8_t*>(y + from));
        });
}

cudaError_t count_differences(int64_t bytes, const int8_t* a, const int8_t* b, unsigned long long* count,
                              cudaStream_t stream) {
    return in_parts(
        bytes, aligned(a, 16) && aligned(b, 16),
        [&](int64_t n) {
            return launch(count_kernel<uint4>, blocks(n), kThreads, stream, n,
                          reinterpret_cast<const uint4*>(a), reinterpret_cast<const uint4*>(b), count);
        },
        [&](int64_t from) {
            return launch(count_kernel<uint8_t>, blocks(bytes - from), kThreads, stream, bytes - from,
                          reinterpret_cast<const uint8_t*>(a + from),
                          reinterpret_cast<const uint8_t*>(b + from), count);
        });
}

}  // namespace qudnn::kernels
