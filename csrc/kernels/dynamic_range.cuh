// The range of values that a grid has read, and the scale and zero point that follow from it.
#pragma once

#include "kernels/cooperative.cuh"
#include "kernels/dynamic_quantize.h"

namespace qudnn::kernels {

__device__ inline void widen(Range& range, float low, float high) {
    range.low = fminf(range.low, low);  // of a number and NaN: the number
    range.high = fmaxf(range.high, high);
}

__device__ inline void widen(Range& range, const float4& v) {
    widen(range, fminf(fminf(v.x, v.y), fminf(v.z, v.w)), fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w)));
}

// The range of all the block's threads, in each of them. The block synchronizes between two calls.
__device__ inline Range range_of_block(Range range) {
    __shared__ Range of_warps[32];
    const auto of_warp = [](Range r) {
#pragma unroll
        for (int offset = 16; offset > 0; offset /= 2)
            widen(r, __shfl_xor_sync(~0u, r.low, offset), __shfl_xor_sync(~0u, r.high, offset));
        return r;
    };
    range = of_warp(range);
    const int lane = threadIdx.x % 32, warps = blockDim.x / 32;
    if (lane == 0) of_warps[threadIdx.x / 32] = range;
    __syncthreads();
    return of_warp(lane < warps ? of_warps[lane] : Range{0, 0});
}

struct FoundScale {
    float scale;
    int zero_point;
};

// Of a block's range, for its part of the whole.
__device__ inline void keep_range(const DynamicScale& to, const Range& of_thread) {
    const Range range = range_of_block(of_thread);
    if (threadIdx.x == 0) to.ranges[blockIdx.x] = range;
}

// From the `count` ranges that blocks kept. Each block combines these few by itself, which takes less time
// than a kernel of its own would; the grid's first thread stores the result.
__device__ inline FoundScale found_scale(const DynamicScale& to, int count) {
    Range range{0, 0};
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        // Not from the L1 cache, which does not see what other blocks write.
        const float2 kept = __ldcg(reinterpret_cast<const float2*>(to.ranges) + i);
        widen(range, kept.x, kept.y);
    }
    range = range_of_block(range);
    FoundScale found;
    found.scale = range.low == range.high ? 1.0f : divide(plus(range.high, -range.low), 255.0f);
    const float place = fmaxf(0.0f, fminf(255.0f, plus(0.0f, -divide(range.low, found.scale))));
    found.zero_point = __float2int_rn(place) - 128;
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        *to.scale = found.scale;
        *to.zero_point = static_cast<int8_t>(found.zero_point);
    }
    return found;
}

// Of all that the grid's threads have read.
__device__ inline FoundScale scale_of_grid(const DynamicScale& to, const Range& of_thread) {
    keep_range(to, of_thread);
    wait_for_grid();
    return found_scale(to, static_cast<int>(gridDim.x));
}

}  // namespace qudnn::kernels
