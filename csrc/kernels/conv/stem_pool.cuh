// The kernel of stem_pool.h: an implicit matmul on warpgroups, whose rows go from shared memory to registers
// without gathering (see stem.cuh), and the maximum of its sums before anything else is done with them.
//
// Four warps walk down a strip of an image. A warp has 16 pixels of a row of the convolution's: the 8 even
// ones and, in the lower half of its matrix, their neighbours to the right. So a lane holds the two sums of a
// window's right columns, and the lane of the pixels before has the one of its left column. Of the rows of
// sums the last is kept for the next row of windows. The first lanes of a warp only serve their neighbours.
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/common/common.cuh"
#include "kernels/common/dependent_launch.cuh"
#include "kernels/common/hopper_stores.cuh"
#include "kernels/common/padded_images.cuh"

namespace qudnn::kernels {

constexpr int kPoolWarps = 4, kPoolColumns = 64;  // of a block: warps, output channels
constexpr int kWarpWindows = 7;                   // of a row, for a warp
constexpr int kStripWindows = kPoolWarps * kWarpWindows;
constexpr int kFilterRows = 7;
constexpr int kGroupRows = 4, kRowWords = 128;  // rows of the image that are copied at once, their pixels
constexpr int kGroups = 8, kAhead = 4;          // buffers; copies that are under way
constexpr int kGroupWords = kGroupRows * kRowWords;
constexpr int kFilterWords = kFilterRows * kPoolColumns * 8;

struct StemPool {
    int h, w, k, r, s;
    int p, q;          // of the convolution
    int windows_down;  // of the pool's results
    int windows_over;
    int strips;  // per image
    int pad_top;
    int left;        // a strip's first pixel of the image's rows, less 112 for each strip before
    int shift;       // from there to the first that is used
    int rows;        // of windows, of all strips
    int block_rows;  // of them for a block
    int column_blocks;
    uint32_t zero_point;  // in each byte
    PaddedImages<uint32_t> y;
};

// Rows of windows of one strip.
struct StripRows {
    int strip, first, last;

    __device__ StripRows(const StemPool& g, int row, int end) {
        strip = row / g.windows_down;
        first = row - strip * g.windows_down;
        last = min(g.windows_down, first + end - row);
    }
    __device__ int count() const { return last - first; }
    // A row of windows before the first gives the sums that are above it.
    __device__ int start() const { return max(first - 1, 0); }
};

// Copies groups of rows, for the rows of windows of a block, one after another.
class PoolLoader {
  public:
    __device__ PoolLoader(const StemPool& g, const int8_t* x, uint32_t* groups, int row, int end)
        : g_(g),
          x_(x),
          target_(groups + threadIdx.x / 32 * kRowWords + threadIdx.x % 32 * 4),
          row_(row),
          end_(end) {
        begin();
    }

    __device__ void load_up_to(int count) {
        for (; loaded_ < count; ++loaded_) {
            if (left_ > 0) load();
            commit_copies();
        }
    }

  private:
    // Turns to the strip of row_.
    __device__ void begin() {
        const StripRows rows(g_, row_, end_);
        const int n = rows.strip / g_.strips, strip = rows.strip - n * g_.strips;
        row_ += rows.count();
        left_ = rows.last + 2 - rows.start();
        h_ = rows.start() * kGroupRows - g_.pad_top + static_cast<int>(threadIdx.x) / 32;
        const int w = strip * (4 * kStripWindows) + g_.left + static_cast<int>(threadIdx.x) % 32 * 4;
        h_end_ = w >= 0 && w < g_.w ? g_.h : 0;
        source_ = x_ + ((static_cast<int64_t>(n) * g_.h + h_) * g_.w + w) * 4;
    }

    __device__ void load() {
        uint32_t* target = target_ + loaded_ % kGroups * kGroupWords;
        if (h_ >= 0 && h_ < h_end_)
            copy_once(target, source_);
        else
            *reinterpret_cast<uint4*>(target) = {g_.zero_point, g_.zero_point, g_.zero_point, g_.zero_point};
        h_ += kGroupRows, source_ += kGroupRows * 4 * static_cast<int64_t>(g_.w);
        if (--left_ == 0 && row_ < end_) begin();
    }

    const StemPool& g_;
    const int8_t* x_;
    const int8_t* source_;
    uint32_t* target_;
    int row_, end_;
    int left_, h_, h_end_;
    int loaded_ = 0;
};

enum class PoolEpilogue {
    any,    // sums started from their biases
    small,  // biases are floats, of bias - kRoundingShift: the steps to a small sum are exact (see stem.cuh)
    unsigned_  // as `small`, of results that are bytes from 0 to 255, less 128
};

// What is in a block's shared memory.
struct PoolShared {
    uint32_t filters[kFilterWords];
    uint32_t groups[kGroups * kGroupWords];
    int32_t bias[kPoolColumns];  // of channel 16 t + 4 i + n at 16 i + 4 t + n, and multipliers
    float multiplier[kPoolColumns];
};

// A lane's largest sums to results.
template <PoolEpilogue kEpilogue>
__device__ __forceinline__ uint4 end_pool(const int32_t (&sums)[16], const float (&bias)[16],
                                          const float (&multiplier)[16], const OutputRange& range) {
    uint32_t words[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        float values[4];
#pragma unroll
        for (int n = 0; n < 4; ++n) {
            const int32_t sum = sums[i * 4 + n];
            const float value = kEpilogue == PoolEpilogue::any
                                    ? __int2float_rn(sum)
                                    : plus(__int_as_float(wrapping_add(sum, kSumOrigin)), bias[i * 4 + n]);
            values[n] = multiply(value, multiplier[i * 4 + n]);
        }
        if constexpr (kEpilogue == PoolEpilogue::unsigned_)
            words[i] = round_and_pack_unsigned(values) ^ kByteBias;
        else
            words[i] = pack(quantize(values[0], range), quantize(values[1], range),
                            quantize(values[2], range), quantize(values[3], range));
    }
    return {words[0], words[1], words[2], words[3]};
}

// Keeps the compiler from moving what writes or reads sums to the other side of this point.
__device__ __forceinline__ void hold(int32_t (&sums)[32]) {
#pragma unroll
    for (int i = 0; i < 32; ++i) asm volatile("" : "+r"(sums[i]) : : "memory");
}

// What mmas read, kept until they have ended.
using PoolRows = uint32_t[kFilterRows + 2][4];

template <PoolEpilogue kEpilogue>
__device__ __forceinline__ void start_sums(int32_t (&upper)[32], int32_t (&lower)[32], PoolRows& a,
                                           const uint32_t* mine, int first, uint64_t filters,
                                           const int32_t* bias) {
#pragma unroll
    for (int i = 0; i < kFilterRows + 2; ++i) {
        const uint32_t* line =
            mine + (first + i / kGroupRows) % kGroups * kGroupWords + i % kGroupRows * kRowWords;
        a[i][0] = line[0], a[i][1] = line[2], a[i][2] = line[4], a[i][3] = line[6];
    }
    constexpr bool kStarted = kEpilogue == PoolEpilogue::any;
    if constexpr (kStarted) {
#pragma unroll
        for (int i = 0; i < 32; ++i) upper[i] = lower[i] = bias[i / 8 * 16 + i / 4 % 2 * 2 + i % 2];
    }
    hold(upper), hold(lower);
    fence_wgmma();
    multiply_rows<kStarted>(upper, a[0], filters);
    multiply_rows<kStarted>(lower, a[2], filters);
#pragma unroll
    for (int i = 1; i < kFilterRows; ++i) {
        multiply_rows<true>(upper, a[i], filters + i * (kPoolColumns * 32 / 16));
        multiply_rows<true>(lower, a[i + 2], filters + i * (kPoolColumns * 32 / 16));
    }
    commit_wgmma();
}

// Waits for the mmas that read `a` and write the sums.
__device__ __forceinline__ void wait_for_sums(int32_t (&upper)[32], int32_t (&lower)[32], const PoolRows& a) {
    wait_for_wgmma<0>();
    hold(upper), hold(lower);
#pragma unroll
    for (int i = 0; i < kFilterRows + 2; ++i)
        asm volatile("" : : "r"(a[i][0]), "r"(a[i][1]), "r"(a[i][2]), "r"(a[i][3]));
}

template <PoolEpilogue kEpilogue>
__device__ __forceinline__ void walk(const StemPool& g, const PoolShared& shared, PoolLoader& loader, int row,
                                     int end, int first_channel, const OutputRange& range, int8_t* y) {
    const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
    const int pixel = lane / 4, t = lane % 4;
    const uint32_t* const mine = shared.groups + warp * (4 * kWarpWindows) + g.shift + pixel * 4 + t;
    const int32_t* const starts = shared.bias + t * 4;
    float bias[16], multiplier[16];
#pragma unroll
    for (int i = 0; i < 16; ++i) {
        bias[i] = __int_as_float(starts[i / 4 * 16 + i % 4]);
        multiplier[i] = shared.multiplier[t * 4 + i / 4 * 16 + i % 4];
    }
    const uint64_t filters = matrix_at(shared_address(shared.filters), 32);
    int32_t upper[32], lower[32];    // sums of two rows of the convolution
    int32_t above[16], largest[16];  // of each window: in the row before, so far
    PoolRows a;
    for (int first = 0; row < end;) {
        const StripRows rows(g, row, end);
        const int n = rows.strip / g.strips, strip = rows.strip - n * g.strips;
        const int window = strip * kStripWindows + warp * kWarpWindows + pixel - 1;  // its middle is even
        const bool stores = pixel > 0 && window < g.windows_over;
        // A window without a left column takes its right one twice. Few images have windows without a right
        // one.
        const int left = window > 0 && pixel > 0 ? lane - 4 : lane;
        const bool right = 2 * window + 1 < g.q, all_right = __all_sync(~0u, right);
        int8_t* target = y + (n * g.y.image + g.y.origin + window + rows.start() * g.y.line) * g.k +
                         first_channel + t * 16;
        const auto start = [&] {
            loader.load_up_to(first + 3 + kAhead);
            wait_for_copies<kAhead>();
            __syncthreads();
            start_sums<kEpilogue>(upper, lower, a, mine, first, filters, starts);
            ++first;
        };
        const auto across = [&](int32_t (&sums)[32], int i) {
            const int32_t middle = sums[i / 2 * 4 + i % 2], last = sums[i / 2 * 4 + 2 + i % 2];
            return max(max(middle, last), __shfl_sync(~0u, last, left));
        };
        const auto end_sums = [&](bool lower_is_there) {
            wait_for_sums(upper, lower, a);
            if (!all_right) {
                asm volatile("" : : : "memory");
#pragma unroll
                for (int i = 0; i < 16; ++i) {
                    const int last = i / 2 * 4 + 2 + i % 2;
                    if (!right) upper[last] = INT32_MIN, lower[last] = INT32_MIN;
                }
            }
#pragma unroll
            for (int i = 0; i < 16; ++i) largest[i] = max(above[i], across(upper, i));
            if (!lower_is_there) return;
#pragma unroll
            for (int i = 0; i < 16; ++i) {
                above[i] = across(lower, i);
                largest[i] = max(largest[i], above[i]);
            }
        };
        const auto store = [&](int p) {
            const uint4 results = end_pool<kEpilogue>(largest, bias, multiplier, range);
            if (p >= rows.first && stores) *reinterpret_cast<uint4*>(target) = results;
            target += g.y.line * g.k;
        };
        __syncthreads();  // the copies begin further on than from row to row
#pragma unroll
        for (int i = 0; i < 16; ++i) above[i] = INT32_MIN;
        start();
        int p = rows.start();
        for (; p + 1 < rows.last; ++p) {
            end_sums(true);
            start();
            store(p);
        }
        end_sums(2 * p + 1 < g.p);
        store(p);
        row += rows.count();
        first += 2;
    }
}

__global__ void __launch_bounds__(kPoolWarps * 32, 2)
    stem_pool_kernel(const __grid_constant__ StemPool g, const int8_t* __restrict__ x,
                     const int8_t* __restrict__ filter, Epilogue epilogue, OutputRange range,
                     int8_t* __restrict__ y) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    extern __shared__ __align__(1024) uint8_t dynamic[];
    PoolShared& shared = *reinterpret_cast<PoolShared*>(dynamic);
    const int block = static_cast<int>(blockIdx.x) / g.column_blocks;
    const int first_channel = static_cast<int>(blockIdx.x) % g.column_blocks * kPoolColumns;
    let_next_kernel_start();

    // A row of a matrix holds a row of a channel's filter, 8 taps. Columns 8 j + 2 t and 8 j + 2 t + 1 are
    // channels 16 t + 2 j and 16 t + 2 j + 1, so that a lane's results lie side by side in y.
    const auto* taps =
        reinterpret_cast<const uint32_t*>(filter) + static_cast<int64_t>(first_channel) * g.r * g.s;
#pragma unroll
    for (int first = 0; first < kFilterWords; first += kPoolWarps * 32) {
        const int i = first + static_cast<int>(threadIdx.x);
        const int tap = i % 8, column = i / 8 % kPoolColumns, r = i / (8 * kPoolColumns);
        const int channel = column % 8 / 2 * 16 + column / 8 * 2 + column % 2;
        const int place = i - tap + (tap ^ (column & 4));  // vectors exchanged as wgmma expects it
        shared.filters[place] = r < g.r && tap < g.s ? taps[(channel * g.r + r) * g.s + tap] : 0;
    }
    bool small = true;
    if (threadIdx.x < kPoolColumns) {
        const int i = static_cast<int>(threadIdx.x);
        const int channel = first_channel + i / 4 % 4 * 16 + i / 16 * 4 + i % 4;
        shared.bias[i] = epilogue.bias[channel];
        shared.multiplier[i] = epilogue.multiplier[channel];
        small = shared.bias[i] > -kSmallSum && shared.bias[i] < kSmallSum;
    }
    publish_writes();
    small = __syncthreads_and(small);
    if (small && threadIdx.x < kPoolColumns) {
        int32_t& bias = shared.bias[threadIdx.x];
        bias = __float_as_int(static_cast<float>(bias - static_cast<int32_t>(kRoundingShift)));
    }
    __syncthreads();

    wait_for_kernels_before();
    write_padding(g.y, g.k / 16, epilogue.zero_point, reinterpret_cast<uint4*>(y));
    const int row = block * g.block_rows, end = min(row + g.block_rows, g.rows);
    if (row >= end) return;
    PoolLoader loader(g, x, shared.groups, row, end);
    if (small && range.is_unsigned())
        walk<PoolEpilogue::unsigned_>(g, shared, loader, row, end, first_channel, range, y);
    else if (small)
        walk<PoolEpilogue::small>(g, shared, loader, row, end, first_channel, range, y);
    else
        walk<PoolEpilogue::any>(g, shared, loader, row, end, first_channel, range, y);
#endif
}

}  // namespace qudnn::kernels
