// The kernel of inverted_residual.h.
//
// A cluster computes some lines of an image; its blocks share the channels between, 32 of which at a time
// pass all steps: the first step's results for the lines that windows reach, the window's, and what these add
// to the sums of the last step, which stay in registers. In the end the blocks add up their sums.
#pragma once

#include "kernels/common/clusters.cuh"
#include "kernels/common/dependent_launch.cuh"
#include "kernels/inverted_residual/inverted_residual_steps.cuh"
#include "kernels/window/window_epilogue.cuh"

namespace qudnn::kernels {

// A warp's sums of the last step, to shared memory.
template <class S>
__device__ __forceinline__ void store_sums(const int32_t (&acc)[S::kRowTiles][S::kColumnTiles][4],
                                           int32_t* sums) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int row = warp % S::kRowWarps * S::kRowTiles * 16 + lane / 4,
              column = warp / S::kRowWarps * S::kColumnTiles * 8 + lane % 4 * 2;
#pragma unroll
    for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            int32_t* const target = sums + (row + i * 16 + half * 8) * S::kSumsPitch + column;
#pragma unroll
            for (int j = 0; j < S::kColumnTiles; ++j)
                *reinterpret_cast<int2*>(target + j * 8) = {acc[i][j][half * 2], acc[i][j][half * 2 + 1]};
        }
}

struct WithResidual {
    static constexpr bool kAdds = true;
};
struct WithoutResidual {
    static constexpr bool kAdds = false;
};

// The last step's end: the blocks' sums of some rows of the band, added up, to y.
template <class S, class Tail, WindowEpilogue kEpilogue>
__device__ __forceinline__ void end_rows(const InvertedTask& t, const InvertedBand& band, const int32_t* sums,
                                         const InvertedEnd& end, const WindowAddition& addition, int8_t* y) {
    constexpr int kMostBlocks = 8;
    const int vectors = t.k / 4, rows = (t.y_rows() + t.blocks - 1) / t.blocks, first = band.rank * rows;
    const int last = min(first + rows, min(t.lines, t.p - band.first_line) * t.q);
    const int64_t start = (static_cast<int64_t>(band.image) * t.p + band.first_line) * t.q * t.k;
    const HeldAddition held(addition);
    int row = first + static_cast<int>(threadIdx.x) / vectors,
        vector = static_cast<int>(threadIdx.x) % vectors;
    const int row_step = kInvertedThreads / vectors, vector_step = kInvertedThreads % vectors;
    while (row < last) {
        const int64_t place = start + static_cast<int64_t>(row) * t.k + vector * 4;
        uint32_t r_word = 0;
        if constexpr (Tail::kAdds) r_word = *reinterpret_cast<const uint32_t*>(addition.r + place);
        const int32_t* const source = sums + row * S::kSumsPitch + vector * 4;
        int4 sum = reinterpret_cast<const int4*>(end.bias)[vector];
        if (t.blocks == 1) {
            const int4 part = *reinterpret_cast<const int4*>(source);
            sum.x = wrapping_add(sum.x, part.x), sum.y = wrapping_add(sum.y, part.y);
            sum.z = wrapping_add(sum.z, part.z), sum.w = wrapping_add(sum.w, part.w);
        } else {
            const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(source));
            int4 parts[kMostBlocks];
#pragma unroll
            for (int n = 0; n < kMostBlocks; ++n)
                parts[n] = n < t.blocks ? read_of_block(address, n) : int4{};
#pragma unroll
            for (const int4& part : parts) {
                sum.x = wrapping_add(sum.x, part.x), sum.y = wrapping_add(sum.y, part.y);
                sum.z = wrapping_add(sum.z, part.z), sum.w = wrapping_add(sum.w, part.w);
            }
        }
        const float4 m = reinterpret_cast<const float4*>(end.multiplier)[vector];
        const float values[4] = {scaled<false>(sum.x, m.x), scaled<false>(sum.y, m.y),
                                 scaled<false>(sum.z, m.z), scaled<false>(sum.w, m.w)};
        *reinterpret_cast<uint32_t*>(y + place) =
            ended<Tail, kEpilogue>(values, r_word, end.range, addition, held);
        row += row_step, vector += vector_step;
        if (vector >= vectors) vector -= vectors, ++row;
    }
}

// Whether no sum of the first step leaves the range of the faster conversion, and its multipliers are
// moderate.
__device__ __forceinline__ bool first_sums_are_small(const InvertedTask& t, const InvertedEnd& end) {
    const int most = kSmallSum - t.c * 128 * 128;
    bool small = most > 0 && end.range.high == 127;
    for (int i = static_cast<int>(threadIdx.x); i < t.m; i += kInvertedThreads)
        small = small && end.bias[i] > -most && end.bias[i] < most && fabsf(end.multiplier[i]) <= 1.0f;
    return __syncthreads_and(small);
}

template <class S>
__device__ __forceinline__ void run_inverted(const InvertedTask& t, const int8_t* x, const InvertedEnds& ends,
                                             const WindowAddition& addition, int8_t* y) {
    extern __shared__ __align__(16) uint8_t inverted_memory[];
    uint8_t* const memory = inverted_memory;
    const InvertedBand band(t, S::kStride);
    const auto buffer = [&](int number) {
        return InvertedWeights{memory + t.weights + number % kInvertedBuffers * t.weight_bytes, &t};
    };
    const auto thread = static_cast<int>(threadIdx.x);
    if (t.blocks > 1) arrive_without_order();
    let_next_kernel_start();
    // What x and the first filter have beyond their channels counts as well.
    if (t.c % 32 != 0) {
        for (int i = thread; i < t.rows(); i += kInvertedThreads)
            *reinterpret_cast<uint4*>(memory + i * t.x_pitch + t.c) = {0, 0, 0, 0};
        for (int i = thread; i < kInvertedBuffers * kInvertedChannels; i += kInvertedThreads)
            *reinterpret_cast<uint4*>(buffer(i / kInvertedChannels).first() +
                                      i % kInvertedChannels * t.x_pitch + t.c) = {0, 0, 0, 0};
    }
    int chunk = band.rank, number = 0;
    const auto copy_next = [&](int ahead) {
        const int next = chunk + ahead * t.blocks;
        if (next < t.chunks) copy_weights(t, ends, next * kInvertedChannels, buffer(number + ahead));
        commit_copies();
    };
    copy_next(0), copy_next(1);
    const uint4 padding = splat_vector<uint4>(t.window_zero_point);
    for (int i = thread; i < 2 * t.slab_bytes / 16; i += kInvertedThreads)
        reinterpret_cast<uint4*>(memory + t.expanded)[i] = padding;
    const bool small = first_sums_are_small(t, ends.of[0]);
    wait_for_kernels_before();
    copy_lines(t, band, x, memory);
    commit_copies();
    wait_for_copies<0>();
    __syncthreads();

    int32_t acc[S::kRowTiles][S::kColumnTiles][4] = {};
    for (; chunk < t.chunks; chunk += t.blocks, ++number) {
        const InvertedWeights weights = buffer(number);
        if (small)
            expand_lines<EpilogueCase::small>(t, band, memory, weights, ends.of[0].range,
                                              memory + t.expanded);
        else
            expand_lines<EpilogueCase::any>(t, band, memory, weights, ends.of[0].range, memory + t.expanded);
        __syncthreads();
        copy_next(2);
        run_depthwise<S::kStride>(t, memory + t.expanded, weights, ends.of[1].range, memory + t.window);
        wait_for_copies<1>();
        __syncthreads();
        add_channels<S>(acc, memory + t.window, weights);
    }
    wait_for_copies<0>();
    __syncthreads();
    auto* const sums = reinterpret_cast<int32_t*>(memory);
    store_sums<S>(acc, sums);
    if (t.blocks > 1)
        wait_for_cluster(), cluster_barrier();
    else
        __syncthreads();
    if (addition.r == nullptr)
        end_rows<S, WithoutResidual, WindowEpilogue{false, Rounding::clamped}>(t, band, sums, ends.of[2],
                                                                               addition, y);
    else
        with_addition(false, addition, [&]<WindowEpilogue kEpilogue>() {
            end_rows<S, WithResidual, kEpilogue>(t, band, sums, ends.of[2], addition, y);
        });
    if (t.blocks > 1) cluster_barrier();  // until then the others read this block's sums
}

template <class S>
__global__ void __launch_bounds__(kInvertedThreads, S::kResident)
    inverted_residual_kernel(const __grid_constant__ InvertedTask t, const int8_t* x,
                             const __grid_constant__ InvertedEnds ends, WindowAddition addition, int8_t* y) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
    run_inverted<S>(t, x, ends, addition, y);
#endif
}

}  // namespace qudnn::kernels
