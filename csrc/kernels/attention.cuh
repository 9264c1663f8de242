// The kernel behind attention.h: one block computes kRows rows of one head.
//
// In shared memory:
//   scratch   Q and the table's copies; then what the softmax needs; then the tile of Y
//   ring      slabs of K, then of V, filled ahead: while the softmax is computed, too
//   scores    rows of S, which become those of P in place, to the end of the last slab
//   sums      of the rows' exponentials
#pragma once

#include "kernels/attention.h"
#include "kernels/attention_softmax.cuh"
#include "kernels/divisor.cuh"
#include "kernels/lane_tables.cuh"
#include "kernels/mma_slab.cuh"

namespace qudnn::kernels {

// How many slabs the ring holds, and the words of the scratch.
constexpr int kAttentionRing = 3, kScratchWords = kTableWords;

// What the kernel needs of a product.
struct AttentionEnding {
    int a_zero_point, b_zero_point, depth;
    float multiplier;
    OutputRange range;
    bool small;  // see Ending

    AttentionEnding(const AttentionProduct& p, int64_t k)
        : a_zero_point(p.a_zero_point),
          b_zero_point(p.b_zero_point),
          depth(static_cast<int>(k)),
          multiplier(p.multiplier),
          range(p.zero_point),
          small(k * (128 + std::abs(p.a_zero_point)) * (128 + std::abs(p.b_zero_point)) < kSmallSum &&
                std::fabs(p.multiplier) <= 1.0f) {}
};

struct Attention {
    int m, n, k, columns, width;
    int pitch;  // words, of a row of scores
    AttentionEnding scores, result;
    Divisor<uint32_t> row_tiles, inner, middle;  // inner, middle: the last two dimensions of the batch
    int64_t q_stride[4] = {}, k_stride[4] = {}, v_stride[4] = {}, y_stride[4] = {};
    int y_vector = 1;  // bytes of y that are stored at a time
};

// Where sums of the warp's rows of Q with keys start: less what the sums of the rows themselves are worth.
template <class S>
struct RowStarts {
    int32_t start[S::kRowTiles][2];

    __device__ RowStarts(const uint32_t* lane_q, int depths, int k_zero_point) {
        int32_t rows[S::kRowTiles][2] = {};
        if (k_zero_point != 0) {
#pragma unroll 1
            for (int d = 0; d < depths; ++d)
#pragma unroll
                for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
                    for (int depth = 0; depth < S::kDepth; depth += 32) {
                        uint32_t q[4];
                        load_matrices(q, lane_q + (d * S::kRows + i * 16) * S::kPitch + depth / 4);
#pragma unroll
                        for (int word = 0; word < 4; ++word)
                            rows[i][word % 2] = __dp4a(static_cast<int>(q[word]), kOnes, rows[i][word % 2]);
                    }
        }
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half)
                start[i][half] = wrapping_add(
                    kSumOrigin,
                    static_cast<int32_t>(0u - static_cast<uint32_t>(k_zero_point) *
                                                  static_cast<uint32_t>(sum_of_four(rows[i][half]))));
    }
    __device__ WarpSums<S> sums() const {
        WarpSums<S> sums;
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int j = 0; j < S::kColumnTiles; ++j)
#pragma unroll
                for (int r = 0; r < 4; ++r) sums.acc[i][j][r] = start[i][r / 2];
        return sums;
    }
};

// multiply_slab() with nothing decided between products, so that factors are loaded ahead. Has the columns'
// sums, too, where it has the rows'.
template <class S, bool kTransposed>
__device__ __forceinline__ void multiply_keys(WarpSums<S>& sums, const uint32_t* lane_a, int pitch,
                                              const ColumnLoader<S, kTransposed>& lane_b, bool row_sums,
                                              bool column_sums) {
    if (row_sums)
        multiply_slab<S, kTransposed>(sums, lane_a, pitch, lane_b, true, true, 0, 1);
    else if (column_sums)
        multiply_slab<S, kTransposed>(sums, lane_a, pitch, lane_b, false, true, 0, 1);
    else
        multiply_slab<S, kTransposed>(sums, lane_a, pitch, lane_b, false, false, 0, 1);
}

// Calls put(row, word, four results) for the words of the warp's tile that are the lane's. kRowSums: what the
// sums of A's rows are worth is yet to be taken off.
template <class S, Ending kEnding, bool kRowSums, class Put>
__device__ __forceinline__ void finish_words(const WarpSums<S>& sums, const AttentionEnding& e,
                                             const Put& put) {
    const int lane = threadIdx.x % 32, t = lane % 4;
    const auto za = static_cast<uint32_t>(e.a_zero_point), zb = static_cast<uint32_t>(e.b_zero_point);
    uint32_t row_terms[S::kRowTiles][2] = {};
    if (kRowSums && zb != 0) {
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half)
                row_terms[i][half] = zb * static_cast<uint32_t>(sum_of_four(sums.rows[i][half]));
    }
#pragma unroll
    for (int j = 0; j < S::kColumnTiles; j += 2) {
        uint32_t bias[4] = {};
        if (za != 0) {
            // The sum of the product's column g is with the lanes 4 g to 4 g + 3.
            const int32_t own[2] = {sum_of_four(sums.columns[j]), sum_of_four(sums.columns[j + 1])};
#pragma unroll
            for (int n = 0; n < 4; ++n) {
                const auto sum = static_cast<uint32_t>(__shfl_sync(~0u, own[n % 2], 4 * (2 * t + n / 2)));
                bias[n] = za * (static_cast<uint32_t>(e.depth) * zb - sum);
            }
        }
#pragma unroll
        for (int n = 0; n < 4; ++n)
            bias[n] = bias_word(static_cast<int32_t>(bias[n]), kEnding != Ending::any);
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                int32_t four[4];
#pragma unroll
                for (int n = 0; n < 4; ++n) {
                    const auto acc = static_cast<uint32_t>(sums.acc[i][j + n % 2][2 * half + n / 2]);
                    four[n] = rounded<kEnding>(static_cast<int32_t>(acc - row_terms[i][half]), bias[n],
                                               e.multiplier, e.range);
                }
                put(lane / 4 + i * 16 + half * 8, t + j * 2, pack_rounded<kEnding>(four));
            }
    }
}

template <bool kRowSums, class S, class Put>
__device__ __forceinline__ void finish_words(const WarpSums<S>& sums, const AttentionEnding& e,
                                             const Put& put) {
    if (e.small)
        finish_words<S, Ending::small_unbounded, kRowSums>(sums, e, put);
    else
        finish_words<S, Ending::any, kRowSums>(sums, e, put);
}

// Calls apply(row, word) for the same words, in a loop: much less code than theirs.
template <class S, class Apply>
__device__ __forceinline__ void for_words(const Apply& apply) {
    const int lane = threadIdx.x % 32;
#pragma unroll 1
    for (int row = lane / 4; row < S::kWarpRows; row += 8)
#pragma unroll
        for (int word = lane % 4; word < S::kWarpColumns / 4; word += 4) apply(row, word);
}

// A thread's part of slabs of keys: of K, whose even and odd rows are apart (see ColumnLoader), or of V.
template <class S>
class SlabPart {
  public:
    __device__ SlabPart(const int8_t* matrix, int64_t stride, int columns, bool of_k)
        : stride_(stride), valid_(columns - own_column()) {
        const int row = own_row(), place = of_k ? row / 16 * 16 + row % 2 * 8 + row % 16 / 2 : row;
        source_ = matrix + row * stride + own_column();
        offset_ = place * S::kPitch + own_column() / 4;
    }

    // Of a matrix of `keys` rows.
    __device__ void copy(int tile, int across, int keys, uint32_t* slab) const {
        const int8_t* source = source_ + tile * kTile * stride_ + across * kTile;
        uint32_t* const target = slab + offset_;
        const int valid = valid_ - across * kTile, rows = keys - tile * kTile;
        if (rows >= kTile && valid >= 16) {
#pragma unroll
            for (int i = 0; i < kTile; i += kAtOnce, source += kAtOnce * stride_)
                copy_once(target + i * S::kPitch, source);
        } else {
#pragma unroll 1
            for (int i = 0; i < kTile; i += kAtOnce, source += kAtOnce * stride_) {
                const bool exists = i + own_row() < rows && valid > 0;
                copy_part(target + i * S::kPitch, exists ? source : source_, exists ? min(valid, 16) : 0);
            }
        }
    }

  private:
    static constexpr int kTile = S::kDepth, kVectors = kTile / 16, kAtOnce = S::kBlockThreads / kVectors;
    static_assert(S::kColumns == kTile && S::kColumnPitch == S::kPitch && kTile % kAtOnce == 0 &&
                  kAtOnce % 16 == 0);

    __device__ static int own_row() { return static_cast<int>(threadIdx.x) / kVectors; }
    __device__ static int own_column() { return static_cast<int>(threadIdx.x) % kVectors * 16; }

    const int8_t* source_;
    int64_t stride_;
    int valid_, offset_;
};

template <class S, class Softmax>
__device__ __forceinline__ void run_attention(const Attention& g, const Softmax& softmax,
                                              const AttentionTensors& tensors) {
    constexpr int kSlabWords = S::kTransposedWords - S::kRows * S::kPitch;
    static_assert(kSlabWords == S::kAcrossWords - S::kRows * S::kPitch && S::kColumns == S::kDepth);
    constexpr int kTile = S::kColumns;
    extern __shared__ __align__(16) uint32_t shared[];
    uint32_t* const scratch = shared;
    uint32_t* const ring = scratch + kScratchWords;
    uint32_t* const scores = ring + kAttentionRing * kSlabWords;
    auto* const sums_of_rows = reinterpret_cast<RowSum*>(scores + S::kRows * g.pitch);

    uint32_t outer = blockIdx.x;
    const auto first_row = static_cast<int>(split(outer, g.row_tiles)) * S::kRows;
    const uint32_t head = outer;
    const int64_t inner = split(outer, g.inner), middle = split(outer, g.middle);
    const auto offset = [&](const int64_t (&stride)[4]) {
        return outer * stride[0] + middle * stride[1] + inner * stride[2];
    };
    const int rows = g.m - first_row;
    const int8_t* const q = tensors.q + offset(g.q_stride) + first_row * g.q_stride[3];
    const int8_t* const k = tensors.k + offset(g.k_stride);
    const int8_t* const v = tensors.v + offset(g.v_stride);
    int8_t* const y = tensors.y + offset(g.y_stride) + first_row * g.y_stride[3];

    // Slabs of K by tiles of keys, then those of V by tiles of columns; each slab is of kTile keys.
    const int key_tiles = (g.n + kTile - 1) / kTile, depths = (g.k + kTile - 1) / kTile;
    const int column_tiles = (g.width + kTile - 1) / kTile;
    int next = 0, key_tile = 0, across = 0;
    bool of_v = false;
    SlabPart<S> part(k, g.k_stride[3], g.k, true);
    const auto copy_next = [&] {
        uint32_t* const slab = ring + next * kSlabWords;
        if (++next == kAttentionRing) next = 0;
        if (!of_v || across < column_tiles) part.copy(key_tile, across, g.n, slab);
        if (of_v) {
            if (++key_tile == key_tiles) key_tile = 0, ++across;
        } else if (++across == depths) {
            across = 0;
            if (++key_tile == key_tiles) {
                key_tile = 0, of_v = true;
                part = SlabPart<S>(v, g.v_stride[3], g.columns, false);
            }
        }
        commit_copies();  // of nothing, at the end: groups are counted
    };
    for (int i = 0; i < depths; ++i)
        copy_rows<S, S::kRows, false, true>(q + i * kTile, g.q_stride[3], rows, g.k - i * kTile,
                                            scratch + i * S::kRows * S::kPitch);
#pragma unroll 1
    for (int i = 1; i < kAttentionRing; ++i) copy_next();
    auto& table = *reinterpret_cast<LaneTables*>(scratch + kScratchWords - LaneTables::kWords);
    wait_for_copies<kAttentionRing - 2>();  // for Q
    const bool looks_up = __syncthreads_or(!table.load(tensors.table)) != 0;

    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int row = warp % S::kRowWarps * S::kWarpRows, column = warp / S::kRowWarps * S::kWarpColumns;
    const int first_word = column / 4;
    int current = 0;
    const auto next_slab = [&]() -> const uint32_t* {
        wait_for_copies<kAttentionRing - 2>();
        __syncthreads();  // all have their part of the slab, and are done with the one before
        copy_next();
        const uint32_t* const slab = ring + current * kSlabWords;
        if (++current == kAttentionRing) current = 0;
        return slab;
    };

    const uint32_t* const lane_q = scratch + (row + lane % 16) * S::kPitch + lane / 16 * 4;
    const RowStarts<S> starts(lane_q, depths, g.scores.b_zero_point);
#pragma unroll 1
    for (int i = 0; i < key_tiles; ++i) {
        WarpSums<S> sums = starts.sums();
#pragma unroll 1
        for (int d = 0; d < depths; ++d)
            multiply_keys<S, true>(sums, lane_q + d * S::kRows * S::kPitch, S::kPitch,
                                   ColumnLoader<S, true>(next_slab(), column, lane), false,
                                   g.scores.a_zero_point != 0);
        uint32_t* const target = scores + row * g.pitch + i * (kTile / 4) + first_word;
        finish_words<false>(sums, g.scores,
                            [&](int r, int word, uint32_t four) { target[r * g.pitch + word] = four; });
        if (!looks_up) continue;
        for_words<S>([&](int r, int word) {
            uint32_t& four = target[r * g.pitch + word];
            four = table.look_up(four);
        });
    }
    __syncthreads();
    softmax.template run<S>({.scores = scores,
                             .pitch = g.pitch,
                             .rows = rows,
                             .n = g.n,
                             .vectors = key_tiles * (kTile / 16),
                             .first = head * static_cast<uint32_t>(g.m) + static_cast<uint32_t>(first_row),
                             .scratch = scratch,
                             .sums = sums_of_rows});

    const uint32_t* const lane_p = scores + (row + lane % 16) * g.pitch + lane / 16 * 4;
#pragma unroll 1
    for (int i = 0; i < column_tiles; ++i) {
        WarpSums<S> sums;
#pragma unroll 1
        for (int d = 0; d < key_tiles; ++d)
            multiply_keys<S, false>(sums, lane_p + d * (kTile / 4), g.pitch,
                                    ColumnLoader<S, false>(next_slab(), column, lane),
                                    g.result.b_zero_point != 0, g.result.a_zero_point != 0);
        uint32_t* const target = scratch + row * S::kColumnPitch + first_word;
        const int left = g.columns - i * kTile - column;
        finish_words<true>(sums, g.result, [&](int r, int word, uint32_t four) {
            target[r * S::kColumnPitch + word] = first_bytes(left - word * 4) & four;
        });
        __syncthreads();
        store_result<S>(rows, g.width - i * kTile, g.y_vector, scratch, g.y_stride[3], y + i * kTile);
    }
}

template <class S, class Softmax>
__global__ void __launch_bounds__(S::kBlockThreads, S::kBlocks)
    attention_kernel(const __grid_constant__ Attention g, const __grid_constant__ Softmax softmax,
                     const AttentionTensors tensors) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
    run_attention<S>(g, softmax, tensors);
#endif
}

}  // namespace qudnn::kernels
