// From ranges to scale and zero point, in every block that quantizes.
#pragma once

#include "kernels/border.cuh"
#include "kernels/dynamic_quantize.h"

namespace qudnn::kernels {

__device__ inline void widen(Range& range, float low, float high) {
    range.low = fminf(range.low, low);  // of a number and NaN: the number
    range.high = fmaxf(range.high, high);
}

// The range of all the block's threads, in each of them. To be called once in a kernel, by all threads.
template <int kBlockThreads>
__device__ Range range_of_block(Range range) {
    __shared__ Range of_warps[kBlockThreads / 32];
    const auto of_warp = [](Range r) {
#pragma unroll
        for (int offset = 16; offset > 0; offset /= 2)
            widen(r, __shfl_xor_sync(~0u, r.low, offset), __shfl_xor_sync(~0u, r.high, offset));
        return r;
    };
    range = of_warp(range);
    const int lane = threadIdx.x % 32;
    if (lane == 0) of_warps[threadIdx.x / 32] = range;
    __syncthreads();
    return of_warp(lane < kBlockThreads / 32 ? of_warps[lane] : Range{0, 0});
}

// The way in of border.cuh, with parameters that are found on the GPU: each block combines the few ranges by
// itself, which takes less time than a kernel of its own would.
struct DynamicQuantize {
    using Outside = float;
    static constexpr bool kEnter = true;
    const Range* ranges;
    int count;
    float* scale;
    int8_t* zero_point;

    // The grid's first thread stores them.
    __device__ Quantize prepared() const {
        Range range{0, 0};
        for (int i = threadIdx.x; i < count; i += kThreads) widen(range, ranges[i].low, ranges[i].high);
        range = range_of_block<kThreads>(range);
        const float found_scale =
            range.low == range.high ? 1.0f : divide(plus(range.high, -range.low), 255.0f);
        const float place = fmaxf(0.0f, fminf(255.0f, plus(0.0f, -divide(range.low, found_scale))));
        const int found_zero_point = __float2int_rn(place) - 128;
        if (blockIdx.x == 0 && threadIdx.x == 0) {
            *scale = found_scale;
            *zero_point = static_cast<int8_t>(found_zero_point);
        }
        return {OutputRange(found_zero_point), found_scale, splat(found_zero_point)};
    }
};

}  // namespace qudnn::kernels
