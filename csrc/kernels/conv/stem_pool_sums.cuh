// The sums of stem_pool.cuh: filters times rows of the image, the largest of each window, and its result.
//
// Lane 4 g + t of warp w has channels 16 w + 2 g and the next, of windows 14 t to 14 t + 13 of a strip, each
// with two pixels of a row of the convolution: sums[4 i + 2 c + b] for window i, channel c, pixel b. The
// pixel to the left of a window is the second one of the window before.
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/conv/stem_pool_rows.cuh"

namespace qudnn::kernels {

enum class PoolEpilogue {
    any,    // sums started from their biases
    small,  // biases are floats, of bias - kRoundingShift: the steps to a small sum are exact (see stem.cuh)
    unsigned_  // as `small`, of results that are bytes from 0 to 255, less 128
};

using PoolSums = int32_t[4 * kLaneWindows];
using LargestSums = int32_t[2 * kLaneWindows];

// A lane's two channels.
struct PoolChannels {
    int32_t bias[2];  // or the bits of floats
    float multiplier[2];
};

// With all threads of the block, before its barrier.
__device__ __forceinline__ void read_filters(const StemPool& g, const int8_t* filter, int first_channel,
                                             PoolShared& shared) {
    const auto* taps =
        reinterpret_cast<const uint32_t*>(filter) + static_cast<int64_t>(first_channel) * g.r * g.s;
#pragma unroll
    for (int first = 0; first < kFilterRows * kFilterWords; first += 2 * kPoolWarps * 32) {
        const int i = first + static_cast<int>(threadIdx.x);
        const int r = i / kFilterWords, half = i / (kFilterWords / 2) % 2, row = i / 4 % kPoolColumns;
        const int tap = half * 4 + i % 4;
        const int channel = row / 16 * 16 + row % 8 * 2 + row / 8 % 2;
        shared.filters[r][half][row * 4 + i % 4] =
            r < g.r && tap < g.s ? taps[(channel * g.r + r) * g.s + tap] : 0;
    }
    publish_writes();
}

// Keeps the compiler from moving what writes or reads sums to the other side of this point.
__device__ __forceinline__ void hold(PoolSums& sums) {
#pragma unroll
    for (int i = 0; i < 4 * kLaneWindows; ++i) asm volatile("" : "+r"(sums[i]) : : "memory");
}

// Where the rows of the image are that a row of windows reads: its group and the two after.
struct PoolRows {
    uint64_t groups[3];

    __device__ PoolRows(const PoolShared& shared, int slot) {
#pragma unroll
        for (int i = 0; i < 3; ++i)
            groups[i] = plain_matrix_at(shared_address(shared.groups[(slot + i) % kGroups]), kPlaceWords * 4,
                                        kPlaceWords * 4);
    }
    __device__ uint64_t row(int i) const { return groups[i / kGroupRows] + i % kGroupRows * (kRowWords / 4); }
};

// Starts the mmas of a row of the convolution, whose windows begin at row `first` of the image's rows.
template <PoolEpilogue kEpilogue>
__device__ __forceinline__ void start_sums(PoolSums& sums, uint64_t filters, const PoolRows& rows, int first,
                                           const PoolChannels& channels) {
    constexpr bool kStarted = kEpilogue == PoolEpilogue::any;
    if constexpr (kStarted) {
#pragma unroll
        for (int i = 0; i < 4 * kLaneWindows; ++i) sums[i] = channels.bias[i / 2 % 2];
    }
    hold(sums);
    fence_wgmma();
    multiply_112<kStarted>(sums, filters, rows.row(first));
#pragma unroll
    for (int i = 1; i < kFilterRows; ++i)
        multiply_112<true>(sums, filters + i * (kFilterWords / 4), rows.row(first + i));
    commit_wgmma();
}

// The largest of a window's three sums of a row of the convolution, for one channel.
__device__ __forceinline__ int32_t largest_across(const PoolSums& sums, const int32_t (&before)[2], int i,
                                                  int c) {
    const int32_t left = i == 0 ? before[c] : sums[4 * (i - 1) + 2 * c + 1];
    return max(max(sums[4 * i + 2 * c], sums[4 * i + 2 * c + 1]), left);
}

// What the first windows of the lanes have to their left; the strip's first one takes its middle twice.
__device__ __forceinline__ void read_before(const PoolSums& sums, int32_t (&before)[2]) {
    const bool first = threadIdx.x % 4 == 0;
#pragma unroll
    for (int c = 0; c < 2; ++c) {
        const int32_t last = __shfl_up_sync(~0u, sums[4 * (kLaneWindows - 1) + 2 * c + 1], 1);
        before[c] = first ? sums[2 * c] : last;
    }
}

// Leaves the right column of window `end`, counted from the lane's first, out.
__device__ __forceinline__ void drop_right(PoolSums& sums, int end) {
#pragma unroll
    for (int i = 0; i < kLaneWindows; ++i)
        if (i == end) sums[4 * i + 1] = sums[4 * i + 3] = INT32_MIN;
}

// The largest sums of a pair of windows, both channels, to results: 4 bytes.
template <PoolEpilogue kEpilogue>
__device__ __forceinline__ uint32_t end_pool(const int32_t (&sums)[4], const PoolChannels& channels,
                                             const OutputRange& range) {
    float values[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const int c = i % 2;
        const float value =
            kEpilogue == PoolEpilogue::any
                ? __int2float_rn(sums[i])
                : plus(__int_as_float(wrapping_add(sums[i], kSumOrigin)), __int_as_float(channels.bias[c]));
        values[i] = multiply(value, channels.multiplier[c]);
    }
    if constexpr (kEpilogue == PoolEpilogue::unsigned_)
        return round_and_pack_unsigned(values) ^ kByteBias;
    else
        return pack(quantize(values[0], range), quantize(values[1], range), quantize(values[2], range),
                    quantize(values[3], range));
}

}  // namespace qudnn::kernels
