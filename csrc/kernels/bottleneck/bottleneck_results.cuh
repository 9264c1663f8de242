// From sums to results between the convolutions of bottleneck.h's kernel, and these to the cluster's blocks.
#pragma once

#include "kernels/bottleneck/bottleneck_sums.cuh"
#include "kernels/common/clusters.cuh"
#include "kernels/window/window_epilogue.cuh"

namespace qudnn::kernels {

// The offset of a byte in a matrix of rows of kWidth bytes as mmas read it: see hopper.cuh.
template <int kWidth>
__device__ __forceinline__ uint32_t exchanged(uint32_t offset) {
    return offset ^ (offset >> 7 & (kWidth / 16 - 1)) << 4;
}

// Copies what the block's warps wrote of its results to all other blocks of the cluster. On each the barrier
// says when all results are there.
template <class S>
__device__ __forceinline__ void send(const BottleneckTask& t, uint32_t slice, int bytes, uint32_t barrier,
                                     int rank) {
    publish_writes();
    meet(S::kThreads);
    if (threadIdx.x % 32 != 0) return;
    const int warp = static_cast<int>(threadIdx.x) / 32;
    // A kernel that is launched without clusters may not even skip a copy between blocks by its predicate.
    if (t.blocks == 1) {
        if (warp == 0) arrive(barrier);
        return;
    }
#pragma unroll 1
    for (int to = warp; to < t.blocks; to += S::kWarps)
        if (to == rank)
            arrive_announcing(barrier, (t.blocks - 1) * bytes);
        else
            copy_to_block(block_address(slice, to), slice, bytes, block_address(barrier, to));
}

// Four sums of each of a lane's vectors to results of one row.
template <class S, WindowEpilogue kEpilogue>
__device__ __forceinline__ void end_row(const int4 (&sums)[S::kColumns / 16], const float* multiplier,
                                        const OutputRange& range, LaneVector<S::kWords>& v) {
    const auto* multipliers = reinterpret_cast<const float4*>(multiplier) + threadIdx.x % 4;
#pragma unroll
    for (int word = 0; word < S::kWords; ++word) {
        const float4 m = multipliers[word * 4];
        const float values[4] = {
            scaled<kEpilogue.small>(sums[word].x, m.x), scaled<kEpilogue.small>(sums[word].y, m.y),
            scaled<kEpilogue.small>(sums[word].z, m.z), scaled<kEpilogue.small>(sums[word].w, m.w)};
        v.word[word] = requantized<kEpilogue.rounding>(values, range);
    }
}

// The results of a step between, of which put(row, v) takes a lane's of each of its rows: row of the tile of
// 64 rows.
template <class S, bool kSharesDepth, class Put>
__device__ __forceinline__ void end_between(const int32_t (&acc)[S::kColumns / 2],
                                            const BottleneckShared& shared, int step,
                                            const OutputRange& range, int number, const Put& put) {
    using B = typename S::Between;
    const int row = number % 4 * 16 + static_cast<int>(threadIdx.x) % 32 / 4;
    if constexpr (kSharesDepth) {
        const int group = number / 4;
        int4 sums[B::kWords];
        add_up<S>(acc, shared.sums, shared.bias[step], group, sums);
        LaneVector<B::kWords> v;
        with_rounding(false, range, [&]<WindowEpilogue kEpilogue>() {
            end_row<B, kEpilogue>(sums, shared.multiplier[step], range, v);
        });
        put(row + group * 8, v);
    } else {
        const WindowAddition nothing{};
        LaneVector<B::kWords> v[2];
        with_rounding(false, range, [&]<WindowEpilogue kEpilogue>() {
            end_sums<B, kEpilogue>(acc, 0, shared.multiplier[step], range, nothing, HeldAddition(nothing), v);
        });
#pragma unroll
        for (int half = 0; half < 2; ++half) put(row + half * 8, v[half]);
    }
}

// Where a group's sums start: where the groups share the depth, the bias is added later.
template <class S, bool kSharesDepth>
__device__ __forceinline__ void start_between(int32_t (&acc)[S::kColumns / 2], const int32_t* bias) {
    if constexpr (kSharesDepth) {
#pragma unroll
        for (int32_t& sum : acc) sum = 0;
    } else {
        start_sums<typename S::Between>(acc, bias);
    }
}

}  // namespace qudnn::kernels
