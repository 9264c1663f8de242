#include "kernels/add.h"

#include "kernels/common.cuh"

namespace qudnn::kernels {
namespace {

struct AddConstants {
    float ra, rb, f;
    float low, high;
    float origin;   // of bytes + offset
    uint32_t flip;  // results to int8: xor of the sign bits

    explicit AddConstants(const AddScales& s)
        : ra(divide(s.a_scale, s.y_scale)),
          rb(divide(s.b_scale, s.y_scale)),
          f(plus(static_cast<float>(s.y_zero_point),
                 -fused_multiply_add(static_cast<float>(s.a_zero_point), ra,
                                     multiply(rb, static_cast<float>(s.b_zero_point))))),
          low(static_cast<float>(s.offset - 128)),
          high(static_cast<float>(s.offset + 127)),
          origin(byte_origin(-s.offset)),
          flip(splat(s.offset)) {}
};

// kLarge: the sum may be beyond int32's range, where x86's conversion, and so the specification, gives the
// lowest number.
template <bool kLarge>
__host__ __device__ inline uint32_t add_value(float a, float b, const AddConstants& k) {
    float value = fused_multiply_add(a, k.ra, fused_multiply_add(b, k.rb, k.f));
    if (kLarge && value >= 2147483648.0f) value = k.low;
    return round_to_byte(fminf(fmaxf(value, k.low), k.high));
}

__device__ uint32_t add_word(uint32_t a, uint32_t b, const AddConstants& k) {
    a ^= kByteBias;
    b ^= kByteBias;
    uint32_t y[4];
#pragma unroll
    for (uint32_t i = 0; i < 4; ++i)
        y[i] = add_value<false>(byte_to_float(a, i, k.origin), byte_to_float(b, i, k.origin), k);
    return pack(y[0], y[1], y[2], y[3]) ^ k.flip;
}

__device__ uint4 add_vector(uint4 a, uint4 b, const AddConstants& k) {
    return {add_word(a.x, b.x, k), add_word(a.y, b.y, k), add_word(a.z, b.z, k), add_word(a.w, b.w, k)};
}

__device__ uint8_t add_vector(uint8_t a, uint8_t b, const AddConstants& k) {
    uint32_t y = add_value<true>(byte_to_float(a ^ kByteBias, 0, k.origin),
                                 byte_to_float(b ^ kByteBias, 0, k.origin), k);
    return static_cast<uint8_t>(y ^ k.flip);
}

template <typename V, int kUnroll>
__global__ void __launch_bounds__(kThreads) add_kernel(int64_t count, AddConstants k, const V* __restrict__ a,
                                                       const V* __restrict__ b, V* __restrict__ y) {
    const int64_t stride = int64_t{gridDim.x} * kThreads * kUnroll;
    for (int64_t first = int64_t{blockIdx.x} * kThreads * kUnroll + threadIdx.x; first < count;
         first += stride) {
        V va[kUnroll], vb[kUnroll];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            int64_t i = first + u * kThreads;
            if (i < count) {
                va[u] = a[i];
                vb[u] = b[i];
            }
        }
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            int64_t i = first + u * kThreads;
            if (i < count) y[i] = add_vector(va[u], vb[u], k);
        }
    }
}

template <typename V, int kUnroll>
cudaError_t run(int64_t count, const AddConstants& k, const int8_t* a, const int8_t* b, int8_t* y,
                cudaStream_t stream) {
    return launch(add_kernel<V, kUnroll>, ceil_div(count, kThreads * kUnroll), kThreads, stream, count, k,
                  reinterpret_cast<const V*>(a), reinterpret_cast<const V*>(b), reinterpret_cast<V*>(y));
}

}  // namespace

cudaError_t add(int64_t count, const AddScales& scales, const int8_t* a, const int8_t* b, int8_t* y,
                cudaStream_t stream) {
    if (count == 0) return cudaSuccess;
    AddConstants k(scales);
    const bool large = !(255.0 * std::abs(k.ra) + 255.0 * std::abs(k.rb) + std::abs(k.f) < 2e9);  // or NaN
    int64_t vectors = !large && aligned(a, 16) && aligned(b, 16) && aligned(y, 16) ? count / 16 : 0;
    if (vectors > 0) {
        cudaError_t status = vectors >= kManyVectors ? run<uint4, 4>(vectors, k, a, b, y, stream)
                                                     : run<uint4, 1>(vectors, k, a, b, y, stream);
        if (status != cudaSuccess) return status;
    }
    int64_t done = vectors * 16;
    return done == count ? cudaSuccess
                         : run<uint8_t, 1>(count - done, k, a + done, b + done, y + done, stream);
}

}  // namespace qudnn::kernels
