// Dynamic quantization of any layout: one kernel finds the range, and one of border.cuh's quantizes.
#pragma once

#include "kernels/border/cross.cuh"
#include "kernels/border/dynamic_range.cuh"
#include "kernels/border/dynamic_values.cuh"

namespace qudnn::kernels {

constexpr int kRangeThreads = 512;
constexpr int64_t kMostRangeBlocks = 512;       // enough to fill a GPU
constexpr int64_t kFewest = kRangeThreads * 8;  // the fewest elements that are worth a block

// The first `vectors` vectors of x, then its elements one by one.
template <typename Values>
__global__ void __launch_bounds__(kRangeThreads)
    ranges_kernel(int64_t count, int64_t vectors, Values values, const float* __restrict__ x,
                  DynamicEpilogue to) {
    constexpr int kUnroll = 4;
    const int64_t step = int64_t{gridDim.x} * kRangeThreads;
    const int64_t first = int64_t{blockIdx.x} * kRangeThreads + threadIdx.x;
    // From the end to the front: the quantization that follows begins at the front, which the L2 cache still
    // holds then.
    const float4* const last = reinterpret_cast<const float4*>(x) + (vectors - 1);
    Range range{0, 0};
    int64_t i = first;
    for (; i + (kUnroll - 1) * step < vectors; i += kUnroll * step) {
        float4 v[kUnroll];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) v[u] = *(last - (i + u * step));
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) widen(range, values_of(values, v[u]));
    }
    for (; i < vectors; i += step) widen(range, values_of(values, *(last - i)));
    for (i = vectors * 4 + first; i < count; i += step) widen(range, values(x[i]), values(x[i]));
    keep_range(to, range);
}

// Entries, by border.cuh.
template <typename Values>
struct QuantizeValues {
    using Outside = float;
    OutputRange range;
    float scale;
    uint32_t fill;
    Values values;

    __device__ uint32_t of(float x) const { return quantize(divide(values(x), scale), range); }
    __device__ uint32_t inward(const Quad<float>& q) const {
        return pack(of(q.v[0]), of(q.v[1]), of(q.v[2]), of(q.v[3]));
    }
};

// With parameters that are found on the GPU, from the ranges of `count` blocks.
template <typename Values>
struct DynamicQuantize {
    using Outside = float;
    static constexpr bool kEnter = true;
    DynamicEpilogue to;
    int count;
    Values values;

    __device__ QuantizeValues<Values> prepared() const {
        const FoundScale found = found_scale(to, count);
        store_outputs(to, found, index_in_grid());
        return {OutputRange(found.zero_point), found.scale, splat(found.zero_point), values};
    }
};

template <typename Values>
__global__ void __launch_bounds__(kThreads) scale_kernel(DynamicQuantize<Values> quantize) {
    quantize.prepared();
}

template <typename Values>
cudaError_t cross_dynamically(const BorderGeometry& g, int64_t count, const Values& values, const float* x,
                              int8_t* y, const DynamicEpilogue& to, cudaStream_t stream) {
    const auto blocks = static_cast<int>(std::clamp<int64_t>(ceil_div(count, kFewest), 1, kMostRangeBlocks));
    const int64_t vectors = aligned(x, sizeof(float4)) ? count / 4 : 0;
    const cudaError_t status =
        launch(ranges_kernel<Values>, blocks, kRangeThreads, stream, count, vectors, values, x, to);
    if (status != cudaSuccess) return status;
    const DynamicQuantize<Values> quantize{to, blocks, values};
    if (std::find(g.inside, g.inside + g.rank, 0) != g.inside + g.rank)
        return launch(scale_kernel<Values>, 1, kThreads, stream, quantize);
    return cross(g, quantize, x, y, stream);
}

}  // namespace qudnn::kernels
