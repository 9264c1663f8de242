#include "kernels/dynamic_quantize.h"

#include "kernels/dynamic_quantize.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kRangeThreads = 512, kUnroll = 4;
constexpr int64_t kMostRanges = 512;            // so many blocks fill a GPU
constexpr int64_t kFewest = kRangeThreads * 8;  // elements worth a block

__device__ void widen(Range& range, const float4& v) {
    widen(range, fminf(fminf(v.x, v.y), fminf(v.z, v.w)), fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w)));
}

// The first `vectors` vectors of x, then its elements one by one.
__global__ void __launch_bounds__(kRangeThreads)
    ranges_kernel(int64_t count, int64_t vectors, const float* __restrict__ x, Range* __restrict__ ranges) {
    const int64_t step = int64_t{gridDim.x} * kRangeThreads;
    const int64_t first = int64_t{blockIdx.x} * kRangeThreads + threadIdx.x;
    // From the end to the front: the quantization that follows begins at the front, and finds there what the
    // L2 cache still holds.
    const float4* const last = reinterpret_cast<const float4*>(x) + (vectors - 1);
    Range range{0, 0};
    int64_t i = first;
    for (; i + (kUnroll - 1) * step < vectors; i += kUnroll * step) {
        float4 v[kUnroll];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) v[u] = *(last - (i + u * step));
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) widen(range, v[u]);
    }
    for (; i < vectors; i += step) widen(range, *(last - i));
    for (i = vectors * 4 + first; i < count; i += step) widen(range, x[i], x[i]);
    range = range_of_block<kRangeThreads>(range);
    if (threadIdx.x == 0) ranges[blockIdx.x] = range;
}

__global__ void __launch_bounds__(kThreads)
    dynamic_epilogue_kernel(int64_t k, const float* x_scale, const int8_t* x_zero_point,
                            const int32_t* __restrict__ w_sum, const float* __restrict__ w_scale,
                            int32_t* __restrict__ bias, float* __restrict__ multiplier) {
    const float scale = *x_scale;
    const auto minus_zero_point = static_cast<uint32_t>(-static_cast<int>(*x_zero_point));
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < k;
         i += int64_t{gridDim.x} * kThreads) {
        bias[i] = static_cast<int32_t>(minus_zero_point * static_cast<uint32_t>(w_sum[i]));
        multiplier[i] = multiply(scale, w_scale[i]);
    }
}

}  // namespace

int range_count(int64_t count) {
    return static_cast<int>(std::clamp<int64_t>(ceil_div(count, kFewest), 1, kMostRanges));
}

cudaError_t find_ranges(int64_t count, const float* x, Range* ranges, cudaStream_t stream) {
    const int64_t vectors = aligned(x, sizeof(float4)) ? count / 4 : 0;
    return launch(ranges_kernel, range_count(count), kRangeThreads, stream, count, vectors, x, ranges);
}

cudaError_t dynamic_epilogue(int64_t k, const float* x_scale, const int8_t* x_zero_point,
                             const int32_t* w_sum, const float* w_scale, int32_t* bias, float* multiplier,
                             cudaStream_t stream) {
    if (k == 0) return cudaSuccess;
    return launch(dynamic_epilogue_kernel, ceil_div(k, kThreads), kThreads, stream, k, x_scale, x_zero_point,
                  w_sum, w_scale, bias, multiplier);
}

}  // namespace qudnn::kernels
