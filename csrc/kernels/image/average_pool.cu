#include "kernels/image/average_pool.h"

#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"

namespace qudnn::kernels {
namespace {

struct Average {
    float x_scale, y_scale, zero_point;
    float low, high;
    float origin;       // of bytes + offset - x_zero_point
    float fixed_count;  // 0: the pixels inside
    uint32_t flip;      // results to int8: xor of the sign bits

    Average(const AverageScales& s, int64_t window)
        : x_scale(s.x_scale),
          y_scale(s.y_scale),
          zero_point(static_cast<float>(s.y_zero_point)),
          low(static_cast<float>(s.offset - 128)),
          high(static_cast<float>(s.offset + 127)),
          origin(byte_origin(s.x_zero_point - s.offset)),
          fixed_count(s.count_padding ? static_cast<float>(window) : 0),
          flip(splat(s.offset)) {}

    __device__ void accumulate(float& sum, uint32_t biased, uint32_t i) const {
        sum = plus(sum, multiply(x_scale, byte_to_float(biased, i, origin)));
    }
    // Beyond int32's range, x86's conversion gives the lowest number, and so does the specification.
    __device__ uint32_t result(float sum, float count) const {
        float value = plus(divide(divide(sum, count), y_scale), zero_point);
        if (value >= 2147483648.0f) value = low;
        return round_to_byte(fminf(fmaxf(value, low), high));
    }
};

// The sums of a vector's channels.
template <typename V>
struct Sums;

template <>
struct Sums<uint4> {
    float sums[16] = {};

    __device__ void take(const uint4& v, const Average& k) {
        const uint32_t words[4] = {v.x ^ kByteBias, v.y ^ kByteBias, v.z ^ kByteBias, v.w ^ kByteBias};
#pragma unroll
        for (uint32_t i = 0; i < 16; ++i) k.accumulate(sums[i], words[i / 4], i % 4);
    }
    __device__ uint32_t word(int i, float count, const Average& k) const {
        return pack(k.result(sums[4 * i], count), k.result(sums[4 * i + 1], count),
                    k.result(sums[4 * i + 2], count), k.result(sums[4 * i + 3], count)) ^
               k.flip;
    }
    __device__ uint4 value(float count, const Average& k) const {
        return {word(0, count, k), word(1, count, k), word(2, count, k), word(3, count, k)};
    }
};

template <>
struct Sums<uint8_t> {
    float sum = 0;

    __device__ void take(uint8_t v, const Average& k) { k.accumulate(sum, v ^ kByteBias, 0); }
    __device__ uint8_t value(float count, const Average& k) const {
        return static_cast<uint8_t>(k.result(sum, count) ^ k.flip);
    }
};

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

template <typename V, typename Index>
cudaError_t run(int64_t count, const PoolGeometry& g, const Average& k, const int8_t* x, int8_t* y,
                cudaStream_t stream) {
    return launch(average_pool_kernel<V, Index>, ceil_div(count, kThreads), kThreads, stream,
                  static_cast<Index>(count), g, Divisor<Index>(g.c), Divisor<Index>(g.q), Divisor<Index>(g.p),
                  k, reinterpret_cast<const V*>(x), reinterpret_cast<V*>(y));
}

}  // namespace

cudaError_t average_pool(const PoolGeometry& geometry, const AverageScales& scales, const int8_t* x,
                         int8_t* y, cudaStream_t stream) {
    PoolGeometry g = geometry;
    int64_t count = g.n * g.p * g.q * g.c;
    if (count == 0) return cudaSuccess;
    const Average k(scales, g.r * g.s);
    if (g.c % 16 != 0 || !aligned(x, 16) || !aligned(y, 16)) {
        return narrow(count) ? run<uint8_t, uint32_t>(count, g, k, x, y, stream)
                             : run<uint8_t, uint64_t>(count, g, k, x, y, stream);
    }
    g.c /= 16;
    count /= 16;
    return narrow(count) ? run<uint4, uint32_t>(count, g, k, x, y, stream)
                         : run<uint4, uint64_t>(count, g, k, x, y, stream);
}

}  // namespace qudnn::kernels
