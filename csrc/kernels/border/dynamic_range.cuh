// The range of the values that a grid has read, and the quantization that follows from it.
#pragma once

#include "kernels/border/dynamic_quantize.h"
#include "kernels/common/cooperative.cuh"

namespace qudnn::kernels {

__device__ inline void widen(Range& range, float low, float high) {
    range.low = fminf(range.low, low);  // of a number and NaN: the number
    range.high = fmaxf(range.high, high);
}

__device__ inline void widen(Range& range, const float4& v) {
    widen(range, fminf(fminf(v.x, v.y), fminf(v.z, v.w)), fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w)));
}

// Returns the range over all threads of the block, to each of them. The block has to synchronize between two
// calls.
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

__device__ inline FoundScale quantization_of(const Range& range) {
    const float scale = range.low == range.high ? 1.0f : divide(plus(range.high, -range.low), 255.0f);
    const float place = fmaxf(0.0f, fminf(255.0f, plus(0.0f, -divide(range.low, scale))));
    return {scale, __float2int_rn(place) - 128};
}

// Of a block's range, for its part of the whole.
__device__ inline void keep_range(const DynamicEpilogue& to, const Range& of_thread) {
    const Range range = range_of_block(of_thread);
    if (threadIdx.x == 0) to.ranges[blockIdx.x] = range;
}

// The range over the `count` ranges of blocks. Each block combines these few itself, which is faster than a
// kernel for it.
__device__ inline FoundScale found_scale(const DynamicEpilogue& to, int count) {
    Range range{0, 0};
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        // Bypasses the L1 cache, which does not see what other blocks write.
        const float2 kept = __ldcg(reinterpret_cast<const float2*>(to.ranges) + i);
        widen(range, kept.x, kept.y);
    }
    return quantization_of(range_of_block(range));
}

__device__ inline int64_t index_in_grid() { return int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }
__device__ inline int64_t threads_of_grid() { return int64_t{gridDim.x} * blockDim.x; }

__device__ inline void store_output(const DynamicEpilogue& to, const FoundScale& found, int64_t output,
                                    int32_t w_sum, float w_scale) {
    to.bias[output] =
        static_cast<int32_t>(static_cast<uint32_t>(-found.zero_point) * static_cast<uint32_t>(w_sum));
    to.multiplier[output] = multiply(found.scale, w_scale);
}

// Stores a thread's share of the outputs, from `first` on.
__device__ inline void store_outputs(const DynamicEpilogue& to, const FoundScale& found, int64_t first) {
    for (int64_t i = first; i < to.outputs; i += threads_of_grid())
        store_output(to, found, i, to.w_sum[i], to.w_scale[i]);
}

// Of all that the grid's threads have read, once all of them are here. Stores the outputs.
__device__ inline FoundScale scale_of_grid(const DynamicEpilogue& to, const Range& of_thread) {
    const int64_t output = index_in_grid();  // read while the grid waits
    const bool has_output = output < to.outputs;
    const int32_t w_sum = has_output ? to.w_sum[output] : 0;
    const float w_scale = has_output ? to.w_scale[output] : 0;
    keep_range(to, of_thread);
    wait_for_grid();
    const FoundScale found = found_scale(to, static_cast<int>(gridDim.x));
    if (has_output) store_output(to, found, output, w_sum, w_scale);
    store_outputs(to, found, output + threads_of_grid());
    return found;
}

}  // namespace qudnn::kernels
