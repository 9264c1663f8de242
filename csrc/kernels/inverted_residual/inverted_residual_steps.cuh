// The steps of inverted_residual.h's kernel: those of 32 channels between at a time.
#pragma once

#include "kernels/conv/depthwise_tiles.cuh"
#include "kernels/epilogue/epilogue_case.cuh"
#include "kernels/inverted_residual/inverted_residual_copies.cuh"

namespace qudnn::kernels {

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

}  // namespace qudnn::kernels
