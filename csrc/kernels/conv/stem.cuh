// The kernel of stem.h: a convolution as an implicit matmul whose rows need no gathering.
//
// A pixel of 4 channels is one word, so the 8 neighbouring pixels that a filter row of up to 8 taps sees are
// the 32 bytes of one step of an mma, contiguous in the image: lane t of an output pixel
// reads taps t and t + 4 (a half step each). Filters of up to 4 taps a row take two filter rows per step
// instead. Taps that the filter lacks have weight 0.
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/common/common.cuh"
#include "kernels/common/dependent_launch.cuh"
#include "kernels/common/lane_tables.cuh"
#include "kernels/common/padded_images.cuh"

namespace qudnn::kernels {

constexpr int kTileWidth = 16;  // output pixels: the rows of an mma

// What the kernel needs of a convolution and a variant.
struct Stem {
    int h, w, k, r, s, p, q;
    int pad_top, pad_left, stride_h, stride_w;
    int rows;                    // of output pixels per tile
    int tiles_down, tiles_over;  // per image
    int tiles;
    int step;             // from a warp's tile to its next: warps side by side
    int column_blocks;    // blocks side by side that share the output channels
    int patch_height;     // input rows that a tile reads
    int patch_width;      // input pixels of each, even
    bool pairs;           // pixel pairs of the image are aligned
    uint32_t zero_point;  // in each byte
    PaddedImages<uint32_t> y;
    bool looks_up;  // results, in a table
};

// Words of shared memory: bias and multiplier, filters, two patches of input
// pixels per warp. A table follows, if there is one.
__host__ __device__ inline int stem_words(const Stem& g, int columns, int warps) {
    return 2 * columns + columns * g.r * g.s + 2 * warps * g.patch_height * g.patch_width;
}

// A warp's tile: its image and first output pixel.
struct StemTile {
    int n, p, q;

    __device__ StemTile(const Stem& g, int tile) {
        const int row = tile / g.tiles_over;
        q = (tile - row * g.tiles_over) * kTileWidth;
        n = row / g.tiles_down;
        p = (row - n * g.tiles_down) * g.rows;
    }
};

// Starts copying the input pixels that a tile sees, kWords at a time; those outside the image are set.
template <int kWords>
__device__ void copy_patch(const Stem& g, const StemTile& tile, const int8_t* x, uint32_t* patch) {
    const int top = tile.p * g.stride_h - g.pad_top, left = tile.q * g.stride_w - g.pad_left;
    const bool inside = top >= 0 && top + g.patch_height <= g.h && left >= 0 && left + g.patch_width <= g.w;
    const int pieces = g.patch_width / kWords, lane = threadIdx.x % 32;
    int row = lane / pieces, piece = lane % pieces;
    const int row_step = 32 / pieces, piece_step = 32 % pieces;
    const auto* image = reinterpret_cast<const uint32_t*>(x) + static_cast<int64_t>(tile.n) * g.h * g.w;
    while (row < g.patch_height) {
        const int h = top + row, w = left + piece * kWords;
        uint32_t* target = patch + row * g.patch_width + piece * kWords;
        const uint32_t* source = image + (static_cast<int64_t>(h) * g.w + w);
        if (inside || (h >= 0 && h < g.h && w >= 0 && w + kWords <= g.w)) {
            copy_async<kWords>(target, source);
        } else {
#pragma unroll
            for (int i = 0; i < kWords; ++i)
                if (h >= 0 && h < g.h && w + i >= 0 && w + i < g.w)
                    copy_async<1>(target + i, source + i);
                else
                    target[i] = g.zero_point;
        }
        row += row_step;
        piece += piece_step;
        if (piece >= pieces) piece -= pieces, ++row;
    }
}

// Four lanes hold kWords words each of one output pixel, a lane's words side by side in y from `y` on,
// where `left` channels are left.
template <int kWords>
__device__ void store_channels(int8_t* y, int left, const uint32_t (&words)[kWords]) {
    const int t = threadIdx.x % 4;
    if constexpr (kWords == 4) {
        if (t * 16 < left) *reinterpret_cast<uint4*>(y + t * 16) = {words[0], words[1], words[2], words[3]};
    } else if constexpr (kWords == 2) {
        if (t * 8 < left) *reinterpret_cast<uint2*>(y + t * 8) = {words[0], words[1]};
    } else if constexpr (kWords == 1) {
        if (t * 4 < left) *reinterpret_cast<uint32_t*>(y + t * 4) = words[0];
    } else {
        // 12 words as vectors of 4 for lanes 0 to 2: word i of lane t's is its own or of a lane further on.
        static_assert(kWords == 3);
        uint32_t vector[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int asked = (t + i) % 4;  // 3: by no one
            const uint32_t word = asked == 0 ? words[0] : asked == 1 ? words[1] : words[2];
            vector[i] = i == 0 ? word : __shfl_sync(~0u, word, (4 * t + i) / 3, 4);
        }
        if (t < 3 && t * 16 < left)
            *reinterpret_cast<uint4*>(y + t * 16) = {vector[0], vector[1], vector[2], vector[3]};
    }
}

enum class StemEpilogue {
    any,
    small,     // sums started from kSumOrigin, and biases are floats, of bias - kRoundingShift
    unsigned_  // as `small`, of results that are bytes from 0 to 255, less 128
};

// (accumulator + bias) * multiplier as a float. pair: biases and multipliers of two channels. As accumulators
// of 8 x 8 x 4 mmas and small biases are at most kSmallSum, the steps to a small sum are exact.
template <bool kSmall>
__device__ inline float scale_stem(int32_t accumulator, const int32_t (&pair)[4], int i) {
    const int32_t bias = pair[i];
    const float sum = kSmall ? plus(__int_as_float(accumulator), __int_as_float(bias))
                             : __int2float_rn(wrapping_add(accumulator, bias));
    return multiply(sum, __int_as_float(pair[2 + i]));
}

// Four results as a word.
template <StemEpilogue kEpilogue>
__device__ inline uint32_t requantize_stem(const float (&values)[4], const OutputRange& range) {
    if constexpr (kEpilogue == StemEpilogue::unsigned_)
        return round_and_pack_unsigned(values) ^ kByteBias;
    else
        return pack(quantize(values[0], range), quantize(values[1], range), quantize(values[2], range),
                    quantize(values[3], range));
}

// Loops over a warp's tiles. y: of the block's first channel, of `columns`.
template <int kQuads, int kSteps, int kTiles, StemEpilogue kEpilogue, typename Copy>
__device__ __forceinline__ void run_stem_tiles(const Stem& g, int tile, const uint32_t* patches,
                                               const Copy& copy, const uint32_t* pairs,
                                               const uint32_t* filters, int columns, const OutputRange& range,
                                               const LaneTables& table, int8_t* __restrict__ y) {
    constexpr int kWords = kTiles / 2;
    constexpr bool kSmall = kEpilogue != StemEpilogue::any;
    const int patch_words = g.patch_height * g.patch_width;
    const int lane = threadIdx.x % 32, row = lane / 4, t = lane % 4;  // the lane's place in an mma
    // Columns 2 t and 2 t + 1 of all mmas are neighbouring output channels, so that a lane's results lie
    // side by side in y.
    uint32_t b[kSteps][kTiles][2];
#pragma unroll
    for (int i = 0; i < kSteps * 2; ++i) {
        const int r = i / kQuads, s = i % kQuads * 4 + t;
#pragma unroll
        for (int j = 0; j < kTiles; ++j) {
            const int channel = row / 2 * (2 * kTiles) + 2 * j + row % 2;
            const bool valid = r < g.r && s < g.s && channel < columns;
            b[i / 2][j][i % 2] = valid ? filters[(channel * g.r + r) * g.s + s] : 0;
        }
    }

    const int lower = 8 * g.stride_w;  // from a pixel to the one 8 below in the mma
    const int half = kQuads == 2 ? 4 : g.patch_width, next = kQuads == 2 ? g.patch_width : 2 * g.patch_width;
    for (int buffer = 0; tile < g.tiles; tile += g.step, buffer ^= 1) {
        copy(tile + g.step, buffer ^ 1);
        commit_copies();
        wait_for_copies<1>();
        __syncwarp();
        const StemTile place(g, tile);
        const uint32_t* patch = patches + buffer * patch_words + row * g.stride_w + t;
        const int pixels = g.q - place.q - row;
        int8_t* target = y + (place.n * g.y.image + g.y.origin + place.p * g.y.line + place.q + row) * g.k;
        for (int i = min(g.p - place.p, g.rows); i > 0; --i, target += g.y.line * g.k) {
            int32_t acc[kTiles][4];
#pragma unroll
            for (int j = 0; j < kTiles; ++j)
#pragma unroll
                for (int c = 0; c < 4; ++c) acc[j][c] = kSmall ? kSumOrigin : 0;
            const uint32_t *upper_pixel = patch, *lower_pixel = patch + lower;
#pragma unroll
            for (int k = 0; k < kSteps; ++k) {
                const uint32_t a[4] = {upper_pixel[0], lower_pixel[0], upper_pixel[half], lower_pixel[half]};
#pragma unroll
                for (int j = 0; j < kTiles; ++j) multiply_add(acc[j], a, b[k][j]);
                upper_pixel += next, lower_pixel += next;
            }
            patch += g.stride_h * g.patch_width;
            uint32_t words[2][kWords];
#pragma unroll
            for (int j = 0; j < kTiles; j += 2) {
                int32_t first[4], second[4];
                load_shared(first, pairs + (t * kTiles + j) * 4);
                load_shared(second, pairs + (t * kTiles + j + 1) * 4);
#pragma unroll
                for (int c = 0; c < 2; ++c) {
                    const float values[4] = {scale_stem<kSmall>(acc[j][2 * c], first, 0),
                                             scale_stem<kSmall>(acc[j][2 * c + 1], first, 1),
                                             scale_stem<kSmall>(acc[j + 1][2 * c], second, 0),
                                             scale_stem<kSmall>(acc[j + 1][2 * c + 1], second, 1)};
                    words[c][j / 2] = requantize_stem<kEpilogue>(values, range);
                }
            }
            if (g.looks_up) {
#pragma unroll
                for (int c = 0; c < 2; ++c)
#pragma unroll
                    for (uint32_t& word : words[c]) word = table.look_up(word);
            }
            store_channels(target, pixels > 0 ? columns : 0, words[0]);
            store_channels(target + 8 * int64_t{g.k}, pixels > 8 ? columns : 0, words[1]);
        }
        __syncwarp();  // the patch is read
    }
}

// kQuads: half steps per filter row, 1 or 2; kSteps * 2 >= kQuads * r. kTiles: columns / 8.
template <int kQuads, int kSteps, int kTiles>
__device__ __forceinline__ void run_stem(const Stem& g, const int8_t* x, const int8_t* __restrict__ filter,
                                         const Epilogue& epilogue, const OutputRange& range,
                                         int8_t* __restrict__ y) {
    constexpr int kColumns = kTiles * 8;
    extern __shared__ __align__(16) uint32_t shared[];
    uint32_t* pairs = shared;  // two biases, two multipliers
    uint32_t* filters = pairs + 2 * kColumns;
    const int taps = g.r * g.s, patch_words = g.patch_height * g.patch_width;
    const int warp = threadIdx.x / 32, warps = blockDim.x / 32;
    uint32_t* const patches = filters + kColumns * taps + 2 * warp * patch_words;
    auto& table = *reinterpret_cast<LaneTables*>(shared + stem_words(g, kColumns, warps));

    const int first = blockIdx.x % g.column_blocks * kColumns, columns = min(g.k - first, kColumns);
    const int tile = blockIdx.x / g.column_blocks * warps + warp;
    auto copy = [&](int index, int buffer) {
        if (index >= g.tiles) return;
        if (g.pairs)
            copy_patch<2>(g, StemTile(g, index), x, patches + buffer * patch_words);
        else
            copy_patch<1>(g, StemTile(g, index), x, patches + buffer * patch_words);
    };
    let_next_kernel_start();
    if (g.looks_up) table.load(epilogue.table);
    wait_for_kernels_before();
    copy(tile, 0);
    commit_copies();
    write_padding(g.y, g.k / 16, epilogue.padding(), reinterpret_cast<uint4*>(y));

    const auto* vectors = reinterpret_cast<const uint4*>(filter) + first * taps / 4;
    for (int i = threadIdx.x; i < columns * taps / 4; i += blockDim.x)
        reinterpret_cast<uint4*>(filters)[i] = vectors[i];
    bool small = true;
    for (int i = threadIdx.x; i < kColumns; i += blockDim.x) {
        const int32_t bias = i < columns ? epilogue.bias[first + i] : 0;
        small = small && bias > -kSmallSum && bias < kSmallSum;
        uint32_t* pair = pairs + i / 2 * 4 + i % 2;
        pair[0] = static_cast<uint32_t>(bias);
        pair[2] = float_bits(i < columns ? epilogue.multiplier[first + i] : 0.0f);
    }
    small = __syncthreads_and(small);
    if (small) {
        for (int i = threadIdx.x; i < kColumns; i += blockDim.x) {
            uint32_t& bias = pairs[i / 2 * 4 + i % 2];
            bias = float_bits(
                static_cast<float>(static_cast<int32_t>(bias) - static_cast<int32_t>(kRoundingShift)));
        }
    }
    __syncthreads();

    const auto run = [&]<StemEpilogue kEpilogue>() {
        run_stem_tiles<kQuads, kSteps, kTiles, kEpilogue>(g, tile, patches, copy, pairs, filters, columns,
                                                          range, table, y + first);
    };
    if (small && range.is_unsigned())
        run.template operator()<StemEpilogue::unsigned_>();
    else if (small)
        run.template operator()<StemEpilogue::small>();
    else
        run.template operator()<StemEpilogue::any>();
}

constexpr int kMaxStemThreads = 128;

// kBlocks of the most threads share a multiprocessor, which bounds the registers.
template <int kQuads, int kSteps, int kTiles, int kBlocks>
__global__ void __launch_bounds__(kMaxStemThreads, kBlocks)
    stem_kernel(const __grid_constant__ Stem g, const int8_t* x, const int8_t* __restrict__ filter,
                Epilogue epilogue, OutputRange range, int8_t* __restrict__ y) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
    run_stem<kQuads, kSteps, kTiles>(g, x, filter, epilogue, range, y);
#endif
}

}  // namespace qudnn::kernels
