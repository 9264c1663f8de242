// Sums of bytes and of products of bytes, by threads that share a row.
#pragma once

#include <cstdint>

namespace qudnn::kernels {

constexpr int kOnes = 0x01010101;  // a factor of 1 for each of four bytes

__device__ inline int32_t dot(const uint4& a, const uint4& b, int32_t sum) {
    sum = __dp4a(static_cast<int>(a.x), static_cast<int>(b.x), sum);
    sum = __dp4a(static_cast<int>(a.y), static_cast<int>(b.y), sum);
    sum = __dp4a(static_cast<int>(a.z), static_cast<int>(b.z), sum);
    return __dp4a(static_cast<int>(a.w), static_cast<int>(b.w), sum);
}

// Of 16 bytes, and what there is already.
__device__ inline int32_t sum_of_bytes(const uint4& a, int32_t sum) {
    return dot(a, {kOnes, kOnes, kOnes, kOnes}, sum);
}

// Over the kParts threads that share a row, a power of two of them, to each of them.
template <int kParts>
__device__ int32_t sum_of_parts(int32_t sum) {
#pragma unroll
    for (int offset = kParts / 2; offset > 0; offset /= 2) sum += __shfl_xor_sync(~0u, sum, offset);
    return sum;
}

}  // namespace qudnn::kernels
