// The kernel of stem_pool.h: an implicit matmul on warpgroups, filters times pixels, whose operand is the
// image itself, and the maximum of its sums before anything else is done with them.
//
// Four warps bring the image, row by row, quantized, in the form that the mmas read (stem_pool_image.cuh).
// Four others walk down a strip of it. A row of windows needs two new rows of the convolution, so that the
// mmas of one run while the sums of the other are taken (stem_pool_sums.cuh). Of the rows of sums the last is
// kept, for the next row of windows.
#pragma once

#include "kernels/common/dependent_launch.cuh"
#include "kernels/conv/stem_pool_image.cuh"
#include "kernels/conv/stem_pool_sums.cuh"

namespace qudnn::kernels {

constexpr int kPoolThreads = 2 * kPoolWarps * 32;
constexpr int kBringersRegisters = 64, kWalkersRegisters = 192;  // together 2 * 128

// The results of a strip, as a lane writes them: after the exchange it has 4 channels of one window of 8.
class PoolTarget {
  public:
    __device__ PoolTarget(const StemPool& g, const StripRows& rows, int first_channel, int8_t* y) {
        const int warp = static_cast<int>(threadIdx.x) / 32 % kPoolWarps,
                  lane = static_cast<int>(threadIdx.x) % 32;
        const int n = rows.strip / g.strips, strip = rows.strip - n * g.strips;
        const int first = lane / 8 * kLaneWindows + lane / 4 % 2, window = strip * kStripStep + first;
        left_ = g.windows_over - window;
        skips_ = strip > 0 && first == 0;
        line_ = g.y.line * g.k, pixel_ = 2 * g.k;
        at_ = y + (n * g.y.image + g.y.origin + rows.first * g.y.line + window) * g.k + first_channel +
              warp * 16 + lane % 4 * 4;
    }

    // A word of windows i and i + 1 of each lane, i even.
    __device__ void write(int i, uint32_t word) const {
        word = transposed_pairs(word);
        if (i < left_ && !(i == 0 && skips_)) *reinterpret_cast<uint32_t*>(at_ + i / 2 * pixel_) = word;
    }
    __device__ void next_row() { at_ += line_; }

  private:
    int8_t* at_;
    int64_t line_;
    int pixel_;   // from a pair of windows to the next
    int left_;    // windows from the lane's first one to the end of the row
    bool skips_;  // the lane's first window, which the strip before writes
};

// What a warp that multiplies goes through.
template <PoolEpilogue kEpilogue>
struct PoolWalk {
    const StemPool& g;
    PoolShared& shared;
    uint64_t filters;
    const PoolChannels& channels;
    const OutputRange& range;
    GroupPlace group;  // the row of windows' first one
    int end_of_row;    // the window without a right column, counted from the lane's first; negative: none

    // Waits for the group that is `ahead` of this one.
    __device__ __forceinline__ void wait(int ahead) const {
        const int slot = (group.slot + ahead) % kGroups;
        wait_for(shared_address(&shared.full[slot]), group.parity ^ (group.slot + ahead >= kGroups));
    }
    // Gives the group back.
    __device__ __forceinline__ void release() {
        if (threadIdx.x % 32 == 0) arrive(shared_address(&shared.empty[group.slot]));
        group.next();
    }
    // Of the two rows of the convolution in a row of windows; ahead: rows of windows.
    __device__ __forceinline__ void start(PoolSums& sums, int row, int ahead = 0) const {
        start_sums<kEpilogue>(sums, filters, PoolRows(shared, group.slot + ahead), 2 * row, channels);
    }
    template <int kLaterRows>
    __device__ __forceinline__ void finish(PoolSums& sums, int32_t (&before)[2]) const {
        wait_for_wgmma<kLaterRows>();
        hold(sums);
        if (end_of_row >= 0) drop_right(sums, end_of_row);
        read_before(sums, before);
    }

    // above: the largest sums of the row before, which become those of this one.
    __device__ __forceinline__ void take_upper(const PoolSums& upper, const int32_t (&before)[2],
                                               LargestSums& above) const {
#pragma unroll
        for (int i = 0; i < 2 * kLaneWindows; ++i)
            above[i] = max(above[i], largest_across(upper, before, i / 2, i % 2));
    }
    __device__ __forceinline__ void take_lower(const PoolSums& lower, const int32_t (&before)[2],
                                               LargestSums& above, const PoolTarget& target,
                                               bool lower_is_there) const {
#pragma unroll
        for (int i = 0; i < kLaneWindows; i += 2) {
            int32_t largest[4];
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                const int32_t across = largest_across(lower, before, i + j / 2, j % 2);
                largest[j] = lower_is_there ? max(above[2 * i + j], across) : above[2 * i + j];
                above[2 * i + j] = across;
            }
            target.write(i, end_pool<kEpilogue>(largest, channels, range));
        }
    }

    // A row of the convolution is multiplied while the sums of the one before are taken. Only in this order,
    // and with no mma under way where the loop begins, does the compiler see that these are others.
    __device__ __forceinline__ void strip(const StripRows& rows, PoolTarget target, PoolSums& upper,
                                          PoolSums& lower) {
        LargestSums above;
        int32_t before[2];
#pragma unroll
        for (int i = 0; i < 2 * kLaneWindows; ++i) above[i] = INT32_MIN;
        wait(0), wait(1);
        if (rows.first > 0) {
            wait(2);
            start(lower, 1);
            finish<0>(lower, before);
            take_upper(lower, before, above);
            release();
        }
        const auto end_row = [&] {
            wait(2);
            start(lower, 1);
            finish<1>(upper, before);
            take_upper(upper, before, above);
            finish<0>(lower, before);
            release();
        };
        start(upper, 0);
        end_row();
        for (int p = rows.first + 1; p < rows.last; ++p) {
            start(upper, 0);
            take_lower(lower, before, above, target, true);
            target.next_row();
            end_row();
        }
        take_lower(lower, before, above, target, 2 * rows.last - 1 < g.p);
        release(), release();
    }
};

template <PoolEpilogue kEpilogue>
__device__ __forceinline__ void walk(const StemPool& g, PoolShared& shared, const PoolChannels& channels,
                                     const OutputRange& range, int row, int end, int first_channel,
                                     int8_t* y) {
    const uint64_t filters = plain_matrix_at(shared_address(shared.filters), 128, kFilterWords * 2);
    PoolWalk<kEpilogue> walk{g, shared, filters, channels, range, {}, -1};
    PoolSums upper, lower;
    while (row < end) {
        const StripRows rows(g, row, end);
        if (2 * g.windows_over > g.q) {
            const int first =
                rows.strip % g.strips * kStripStep + static_cast<int>(threadIdx.x) % 4 * kLaneWindows;
            walk.end_of_row = max(g.windows_over - 1 - first, -1);
        }
        walk.strip(rows, PoolTarget(g, rows, first_channel, y), upper, lower);
        row += rows.count();
    }
}

template <typename Image>
__global__ void __launch_bounds__(kPoolThreads, 2)
    stem_pool_kernel(const __grid_constant__ StemPool g, const __grid_constant__ Image image,
                     const int8_t* __restrict__ filter, const __grid_constant__ Epilogue epilogue,
                     const __grid_constant__ OutputRange range, int8_t* __restrict__ y) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    extern __shared__ __align__(128) uint8_t dynamic[];
    PoolShared& shared = *reinterpret_cast<PoolShared*>(dynamic);
    const int block = static_cast<int>(blockIdx.x) / g.column_blocks;
    const int first_channel = static_cast<int>(blockIdx.x) % g.column_blocks * kPoolColumns;
    const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
    const bool walks = warp >= kPoolWarps;
    let_next_kernel_start();
    if (threadIdx.x < kGroups) {
        start_barrier(shared_address(&shared.full[threadIdx.x]), kPoolWarps);
        start_barrier(shared_address(&shared.empty[threadIdx.x]), kPoolWarps);
        publish_barriers();
    }
    PoolChannels channels{};
    const int channel = first_channel + warp % kPoolWarps * 16 + lane / 4 * 2;
    bool small = true;
#pragma unroll
    for (int c = 0; c < 2; ++c) {
        channels.bias[c] = epilogue.bias[channel + c];
        channels.multiplier[c] = epilogue.multiplier[channel + c];
        small = small && channels.bias[c] > -kSmallSum && channels.bias[c] < kSmallSum;
    }
    read_filters(g, filter, first_channel, shared);
    small = __syncthreads_and(small);
    const int row = block * g.block_rows, end = min(row + g.block_rows, g.rows);
    if (!walks) {
        give_registers_up<kBringersRegisters>();
        wait_for_kernels_before();
        write_padding(g.y, g.k / 16, epilogue.zero_point, reinterpret_cast<uint4*>(y), kPoolWarps * 32);
        if (row >= end) return;
        if (g.shift % 2 != 0)
            bring_image<true>(g, image, shared, row, end);
        else
            bring_image<false>(g, image, shared, row, end);
        return;
    }
    take_registers<kWalkersRegisters>();
    wait_for_kernels_before();
    if (small) {
#pragma unroll
        for (int c = 0; c < 2; ++c)
            channels.bias[c] =
                __float_as_int(static_cast<float>(channels.bias[c] - static_cast<int32_t>(kRoundingShift)));
    }
    if (small && range.is_unsigned())
        walk<PoolEpilogue::unsigned_>(g, shared, channels, range, row, end, first_channel, y);
    else if (small)
        walk<PoolEpilogue::small>(g, shared, channels, range, row, end, first_channel, y);
    else
        walk<PoolEpilogue::any>(g, shared, channels, range, row, end, first_channel, y);
#endif
}

}  // namespace qudnn::kernels
