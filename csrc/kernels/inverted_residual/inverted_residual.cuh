// The kernel of inverted_residual.h.
//
// A cluster computes some lines of an image; its blocks share the channels between, 32 of which at a time
// pass all steps: the first step's results for the lines that windows reach, the window's, and what these add
// to the sums of the last step, which stay in registers. In the end the blocks add up their sums.
#pragma once

#include "kernels/common/clusters.cuh"
#include "kernels/conv/depthwise_tiles.cuh"
#include "kernels/epilogue/epilogue_case.cuh"
#include "kernels/inverted_residual/inverted_residual_task.cuh"
#include "kernels/window/window_epilogue.cuh"

namespace qudnn::kernels {

// What a block works on.
struct InvertedBand {
    int rank, image, first_line;  // of y
    int first_x_line;             // that windows reach, -1 where that is padding

    __device__ InvertedBand(const InvertedTask& t, int stride) {
        const int block = static_cast<int>(blockIdx.x), cluster = block / t.blocks;
        rank = block % t.blocks;
        image = cluster / t.bands, first_line = cluster % t.bands * t.lines;
        first_x_line = first_line * stride - 1;
    }
};

// A buffer of the weights and constants of 32 channels.
struct InvertedWeights {
    uint8_t* start;
    const InvertedTask* t;

    __device__ uint8_t* first() const { return start; }
    __device__ uint8_t* last() const { return start + t->last_w; }
    __device__ uint8_t* window() const { return start + t->window_w; }
    __device__ int32_t* bias(int step) const {
        return reinterpret_cast<int32_t*>(start + t->constants) + step * 2 * kInvertedChannels;
    }
    __device__ float* multiplier(int step) const {
        return reinterpret_cast<float*>(bias(step) + kInvertedChannels);
    }
};

__device__ __forceinline__ void copy_vector(uint8_t* shared, const void* global) {
    copy_async<4>(reinterpret_cast<uint32_t*>(shared), global);
}

// Starts copying the weights of channels `channel` and up.
__device__ __forceinline__ void copy_weights(const InvertedTask& t, const InvertedEnds& ends, int channel,
                                             const InvertedWeights& to) {
    const auto thread = static_cast<int>(threadIdx.x);
    const int channels = min(kInvertedChannels, t.m - channel), vectors = t.c / 16;
    for (int i = thread; i < channels * vectors; i += kInvertedThreads) {
        const int n = static_cast<int>(t.vectors.quotient(i)), v = i - n * vectors;
        // Columns 2 t and 2 t + 1 of all mmas are neighbouring channels.
        const int place = n % 8 / 2 * 8 + n / 8 * 2 + n % 2;
        copy_vector(to.first() + place * t.x_pitch + v * 16,
                    ends.of[0].w + static_cast<int64_t>(channel + n) * t.c + v * 16);
    }
    for (int i = thread; i < t.k * 2; i += kInvertedThreads) {
        uint8_t* const target = to.last() + i / 2 * kInvertedPitch + i % 2 * 16;
        if (i % 2 * 16 < channels)
            copy_vector(target, ends.of[2].w + static_cast<int64_t>(i / 2) * t.m + channel + i % 2 * 16);
        else  // what the other steps have there does not matter then
            *reinterpret_cast<uint4*>(target) = {0, 0, 0, 0};
    }
    if (thread < channels * 9 / 16)
        copy_vector(to.window() + thread * 16, ends.of[1].w + channel * 9 + thread * 16);
    const int array = thread / 8, v = thread % 8;
    if (array < 4 && v * 4 < channels) {
        const InvertedEnd& end = array < 2 ? ends.of[0] : ends.of[1];
        const void* const source = array % 2 == 0 ? static_cast<const void*>(end.bias + channel + v * 4)
                                                  : end.multiplier + channel + v * 4;
        copy_vector(reinterpret_cast<uint8_t*>(to.bias(0)) + thread * 16, source);
    }
}

// Starts copying the lines of x that exist.
__device__ __forceinline__ void copy_lines(const InvertedTask& t, const InvertedBand& band, const int8_t* x,
                                           uint8_t* shared) {
    const int vectors = t.c / 16, first = max(-band.first_x_line, 0) * t.w,
              end = min(t.x_lines, t.h - band.first_x_line) * t.w;
    const int8_t* const source = x + (static_cast<int64_t>(band.image) * t.h + band.first_x_line) * t.w * t.c;
    for (int i = first * vectors + static_cast<int>(threadIdx.x); i < end * vectors; i += kInvertedThreads) {
        const int row = static_cast<int>(t.vectors.quotient(i)), v = i - row * vectors;
        copy_vector(shared + row * t.x_pitch + v * 16, source + static_cast<int64_t>(i) * 16);
    }
}

// The first step: 32 channels of all lines that windows reach.
template <EpilogueCase kEpilogue>
__device__ __forceinline__ void expand_lines(const InvertedTask& t, const InvertedBand& band,
                                             const uint8_t* x, const InvertedWeights& weights,
                                             const OutputRange& range, uint8_t* expanded) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row_of_mma = lane / 4, column = lane % 4;
    const uint8_t* const lane_x = x + lane % 16 * t.x_pitch + lane / 16 * 16;
    const uint8_t* const lane_w =
        weights.first() + (lane / 16 * 8 + lane % 8) * t.x_pitch + lane / 8 % 2 * 16;
    uint32_t bias[8];
    float multiplier[8];
#pragma unroll
    for (int i = 0; i < 8; ++i) {
        bias[i] = bias_word(weights.bias(0)[column * 8 + i], kEpilogue != EpilogueCase::any);
        multiplier[i] = weights.multiplier(0)[column * 8 + i];
    }
    for (int first = warp * 16; first < t.rows(); first += kInvertedWarps * 16) {
        int32_t acc[4][4];
#pragma unroll
        for (auto& tile : acc)
#pragma unroll
            for (int32_t& sum : tile) sum = kSumOrigin;
        for (int depth = 0; depth < t.depth; ++depth) {
            uint32_t a[4];
            load_matrices(a, reinterpret_cast<const uint32_t*>(lane_x + first * t.x_pitch + depth * 32));
#pragma unroll
            for (int j = 0; j < 4; j += 2) {
                uint32_t both[4];
                load_matrices(both,
                              reinterpret_cast<const uint32_t*>(lane_w + j * 8 * t.x_pitch + depth * 32));
                multiply_add(acc[j], a, {both[0], both[1]});
                multiply_add(acc[j + 1], a, {both[2], both[3]});
            }
        }
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            uint32_t words[2];
#pragma unroll
            for (int word = 0; word < 2; ++word) {
                int32_t r[4];
#pragma unroll
                for (int n = 0; n < 4; ++n)
                    r[n] = rounded<kEpilogue>(acc[word * 2 + n / 2][half * 2 + n % 2], bias[word * 4 + n],
                                              multiplier[word * 4 + n], range);
                words[word] = pack_rounded<kEpilogue>(r);
            }
            uint32_t line = first + half * 8 + row_of_mma;
            const auto of_line = static_cast<int>(split(line, t.columns));
            const int of_image = band.first_x_line + static_cast<int>(line);
            if (static_cast<int>(line) >= t.x_lines || of_image < 0 || of_image >= t.h) continue;
            const int pixel = static_cast<int>(line) * (t.w + 2) + of_line + 1;
            *reinterpret_cast<uint2*>(expanded + column / 2 * t.slab_bytes + pixel * 16 + column % 2 * 8) = {
                words[0], words[1]};
        }
    }
}

// The window: 32 channels of all lines of y. Half of the warps have 16 of them, the others the rest.
template <int kStride, bool kSmall>
__device__ __forceinline__ void run_depthwise(const InvertedTask& t, const uint8_t* expanded,
                                              const DepthwiseColumns<3, 1>& b, const DepthwiseEpilogue& e,
                                              const OutputRange& range, int slab, uint8_t* results) {
    constexpr int kLines = 3 + kStride;  // that two windows below each other reach
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row_of_mma = lane / 4, tap = lane % 4;
    const int units = static_cast<int>(t.octets.value) * ((t.lines + 1) / 2), line_pixels = t.w + 2;
    const bool odd = tap % 2;
    const uint32_t first_half = odd ? 0x1054 : 0x5410, second_half = odd ? 0x3276 : 0x7632;
    for (int unit = warp / 2; unit < units; unit += kInvertedWarps / 2) {
        uint32_t pair = unit;
        const int q = static_cast<int>(split(pair, t.octets)) * 8, p = static_cast<int>(pair) * 2;
        const auto* const pixels = reinterpret_cast<const uint4*>(expanded + slab * t.slab_bytes) +
                                   p * kStride * line_pixels + (q + row_of_mma) * kStride + tap;
        uint4 lines[kLines];
#pragma unroll
        for (int i = 0; i < kLines; ++i) lines[i] = pixels[i * line_pixels];
        int32_t acc[2][4];
#pragma unroll
        for (int j = 0; j < 2; ++j)
#pragma unroll
            for (int i = 0; i < 4; ++i) acc[j][i] = wrapping_add(e.bias[j][i % 2], kSmall ? kSumOrigin : 0);
#pragma unroll
        for (int r = 0; r < 3; ++r) {
            const uint4 u = lines[r], l = lines[r + kStride];
            multiply_add(acc[0], {u.x, l.x, u.z, l.z}, b.words[r][0][0][0][0]);
            multiply_add(acc[1], {u.y, l.y, u.w, l.w}, b.words[r][0][0][1][0]);
        }
        uint32_t words[2];
#pragma unroll
        for (int j = 0; j < 2; ++j) words[j] = requantize_pairs<kSmall>(acc[j], e.multiplier[j], range);
        const uint32_t kept = odd ? words[1] : words[0];
        const uint32_t got = __shfl_xor_sync(~0u, odd ? words[0] : words[1], 1);
        uint8_t* const target = results + (p * t.q + q + row_of_mma) * kInvertedPitch + slab * 16 + tap * 4;
        if (q + row_of_mma >= t.q) continue;
        *reinterpret_cast<uint32_t*>(target) = __byte_perm(kept, got, first_half);
        if (p + 1 < t.lines)
            *reinterpret_cast<uint32_t*>(target + t.q * kInvertedPitch) = __byte_perm(kept, got, second_half);
    }
}

template <int kStride>
__device__ __forceinline__ void run_depthwise(const InvertedTask& t, const uint8_t* expanded,
                                              const InvertedWeights& weights, const OutputRange& range,
                                              uint8_t* results) {
    const int slab = static_cast<int>(threadIdx.x) / 32 % 2;
    DepthwiseColumns<3, 1> b;
    b.load(reinterpret_cast<const int8_t*>(weights.window()) + slab * 16 * 9);
    DepthwiseEpilogue e;
    e.load(Epilogue{weights.bias(1), weights.multiplier(1)}, slab * 16, 9);
    if (__all_sync(~0u, e.small))
        run_depthwise<kStride, true>(t, expanded, b, e, range, slab, results);
    else
        run_depthwise<kStride, false>(t, expanded, b, e, range, slab, results);
}

// What 32 channels add to the last step's sums.
template <class S>
__device__ __forceinline__ void add_channels(int32_t (&acc)[S::kRowTiles][S::kColumnTiles][4],
                                             const uint8_t* results, const InvertedWeights& weights) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int row = warp % S::kRowWarps * S::kRowTiles * 16,
              column = warp / S::kRowWarps * S::kColumnTiles * 8;
    const uint8_t* const lane_x = results + (row + lane % 16) * kInvertedPitch + lane / 16 * 16;
    const uint8_t* const lane_w =
        weights.last() + (column + lane / 16 * 8 + lane % 8) * kInvertedPitch + lane / 8 % 2 * 16;
    uint32_t a[S::kRowTiles][4];
#pragma unroll
    for (int i = 0; i < S::kRowTiles; ++i)
        load_matrices(a[i], reinterpret_cast<const uint32_t*>(lane_x + i * 16 * kInvertedPitch));
#pragma unroll
    for (int j = 0; j < S::kColumnTiles; j += 2) {
        uint32_t both[4];
        load_matrices(both, reinterpret_cast<const uint32_t*>(lane_w + j * 8 * kInvertedPitch));
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i) {
            multiply_add(acc[i][j], a[i], {both[0], both[1]});
            multiply_add(acc[i][j + 1], a[i], {both[2], both[3]});
        }
    }
}

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
