// k-tiles (slabs) of two int8 matrices in shared memory, and their mmas: the parts of mma_matmul.cuh.
//
// Even columns of 16 are multiplied in one mma of the tensor cores, odd ones in another: then a lane's
// results are 4 columns side by side, and bytes of a B of dense columns come two by two out of the loads that
// transpose pairs of bytes. Rows in shared memory are an odd number of 16 bytes apart, so that the 8 rows
// that are read at a time lie in different banks.
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/epilogue/epilogue_case.cuh"

namespace qudnn::kernels {

// The partition of a block. A warp multiplies kRowTiles * 16 rows by kColumnTiles * 8 columns. kBlocks share
// a multiprocessor, which bounds the registers.
template <int kRowWarps_, int kColumnWarps, int kRowTiles_, int kColumnTiles_, int kBlocks_>
struct MmaMatMulShape {
    static constexpr int kRowWarps = kRowWarps_, kRowTiles = kRowTiles_, kColumnTiles = kColumnTiles_;
    static constexpr int kBlocks = kBlocks_;
    static constexpr int kWarpRows = kRowTiles * 16, kWarpColumns = kColumnTiles * 8;
    static constexpr int kRows = kRowWarps * kWarpRows, kColumns = kColumnWarps * kWarpColumns;
    static constexpr int kBlockThreads = kRowWarps * kColumnWarps * 32;
    static constexpr int kDepth = 64, kBuffers = 4;
    static constexpr int kPitch = (kDepth + 16) / 4;          // words, of rows along k
    static constexpr int kColumnPitch = (kColumns + 16) / 4;  // words, of rows along n
    static_assert(kColumnTiles % 2 == 0 && kRows % (kBlockThreads * 16 / kDepth) == 0);

    // Words of shared memory: 5 for each column, and buffers or, at the end, the tile of Y.
    static constexpr int kFixedWords = 5 * kColumns, kResultWords = kRows * kColumnPitch;
    // Of each buffer, by the form of b.
    static constexpr int kAcrossWords = kRows * kPitch + kDepth * kColumnPitch;
    static constexpr int kTransposedWords = (kRows + kColumns) * kPitch;
};

// 16 bytes from any address, those from `valid` (> 0) on as zeros. Reads whole words only that hold a valid
// byte.
__device__ inline uint4 load_bytes(const int8_t* source, int valid) {
    const auto address = reinterpret_cast<uintptr_t>(source);
    const int shift = static_cast<int>(address % 4);
    const auto* words = reinterpret_cast<const uint32_t*>(address - shift);
    uint32_t read[5], v[4];
#pragma unroll
    for (int i = 0; i < 5; ++i) read[i] = i * 4 < shift + valid ? words[i] : 0;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        v[i] = __funnelshift_r(read[i], read[i + 1], shift * 8);
        v[i] &= first_bytes(valid - i * 4);
    }
    return {v[0], v[1], v[2], v[3]};
}

// Four words from shared memory, at a multiple of 16 bytes.
template <class T>
__device__ inline void load_four(T (&four)[4], const T* shared) {
    const uint4 v = *reinterpret_cast<const uint4*>(shared);
    std::memcpy(four, &v, sizeof v);
}

// Copies 16 bytes, of which those from `valid` on are zeros: later, where kAligned.
template <bool kAligned>
__device__ __forceinline__ void copy_vector(uint32_t* shared, const int8_t* source, int valid) {
    if constexpr (kAligned)
        copy_part(shared, source, min(max(valid, 0), 16));
    else
        *reinterpret_cast<uint4*>(shared) = valid > 0 ? load_bytes(source, min(valid, 16)) : uint4{};
}

// Copies kCount rows of a slab along k, of which `rows` exist, `valid` values long. kApart: even rows of each
// 16 come before the odd ones.
template <class S, int kCount, bool kApart, bool kAligned>
__device__ __forceinline__ void copy_rows(const int8_t* source, int64_t stride, int rows, int valid,
                                          uint32_t* buffer) {
    constexpr int kVectors = S::kDepth / 16, kAtOnce = S::kBlockThreads / kVectors;
    const int vector = threadIdx.x % kVectors;
    valid -= vector * 16;
#pragma unroll
    for (int i = threadIdx.x / kVectors; i < kCount; i += kAtOnce) {
        const int place = kApart ? i / 16 * 16 + i % 2 * 8 + i % 16 / 2 : i;
        const bool exists = i < rows && valid > 0;
        copy_vector<kAligned>(buffer + place * S::kPitch + vector * 4,
                              exists ? source + i * stride + vector * 16 : source, exists ? valid : 0);
    }
}

// Copies a slab of B of dense columns: S::kDepth rows, of which `rows` exist, `valid` columns long.
template <class S, bool kAligned>
__device__ __forceinline__ void copy_across(const int8_t* source, int64_t stride, int rows, int valid,
                                            uint32_t* buffer) {
    constexpr int kVectors = S::kColumns / 16, kAtOnce = S::kBlockThreads / kVectors;
    const int vector = threadIdx.x % kVectors;
    valid -= vector * 16;
#pragma unroll
    for (int i = threadIdx.x / kVectors; i < S::kDepth; i += kAtOnce) {
        const bool exists = i < rows && valid > 0;
        copy_vector<kAligned>(buffer + i * S::kColumnPitch + vector * 4,
                              exists ? source + i * stride + vector * 16 : source, exists ? valid : 0);
    }
}

// Both words of the even columns' mma and of the odd ones', of 16 columns and 32 values of k.
template <class S, bool kTransposed>
class ColumnLoader {
  public:
    __device__ ColumnLoader(const uint32_t* buffer, int column, int lane) {
        if constexpr (kTransposed) {
            source_ = buffer + (column + lane / 16 * 8 + lane % 8) * S::kPitch + lane / 8 % 2 * 4;
        } else {
            // Of 16 rows, matrices with an even number have the first two of each 4 for lanes whose t (see
            // multiply_add()) is 0 or 1, and the last two for the others; those with an odd number the rest.
            const int t = lane % 8 / 2, pair = (lane / 8 % 2) ^ (t / 2);
            source_ = buffer + (lane / 16 * 16 + t * 4 + pair * 2 + lane % 2) * S::kColumnPitch + column / 4;
            even_ = lane % 4 < 2 ? 0x6420 : 0x2064;
        }
    }
    __device__ void load(int depth, int column, uint32_t (&even)[2], uint32_t (&odd)[2]) const {
        uint32_t v[4];
        if constexpr (kTransposed) {
            load_matrices(v, source_ + column * S::kPitch + depth / 4);
            even[0] = v[0], even[1] = v[1], odd[0] = v[2], odd[1] = v[3];
        } else {
            load_transposed_matrices(v, source_ + depth * S::kColumnPitch + column / 4);
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                even[half] = __byte_perm(v[2 * half], v[2 * half + 1], even_);
                odd[half] = __byte_perm(v[2 * half], v[2 * half + 1], even_ + 0x1111);
            }
        }
    }

  private:
    const uint32_t* source_;
    uint32_t even_ = 0;
};

constexpr int kOnes = 0x01010101;

// What a warp sums up, acc from kSumOrigin on.
template <class S>
struct WarpSums {
    int32_t acc[S::kRowTiles][S::kColumnTiles][4];
    int32_t rows[S::kRowTiles][2] = {};  // of the lane's words of A
    int32_t columns[S::kColumnTiles] = {};

    __device__ WarpSums() {
#pragma unroll
        for (int i = 0; i < S::kRowTiles * S::kColumnTiles * 4; ++i)
            acc[i / (S::kColumnTiles * 4)][i / 4 % S::kColumnTiles][i % 4] = kSumOrigin;
    }
};

// One step, with rows of A `pitch` words apart. Warps that share columns take turns with the columns' sums,
// or have all of them to themselves: turn 0 of 1.
template <class S, bool kTransposed>
__device__ __forceinline__ void multiply_slab(WarpSums<S>& sums, const uint32_t* lane_a, int pitch,
                                              const ColumnLoader<S, kTransposed>& lane_b, bool row_sums,
                                              bool column_sums, int turn, int turns) {
#pragma unroll
    for (int depth = 0; depth < S::kDepth; depth += 32) {
        uint32_t a[S::kRowTiles][4];
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i) load_matrices(a[i], lane_a + i * 16 * pitch + depth / 4);
        if (row_sums) {
#pragma unroll
            for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
                for (int word = 0; word < 4; ++word)
                    sums.rows[i][word % 2] =
                        __dp4a(static_cast<int>(a[i][word]), kOnes, sums.rows[i][word % 2]);
        }
        const bool own_turn = column_sums && depth / 32 % turns == turn;
#pragma unroll
        for (int j = 0; j < S::kColumnTiles; j += 2) {
            uint32_t b[2][2];
            lane_b.load(depth, j * 8, b[0], b[1]);
#pragma unroll
            for (int odd = 0; odd < 2; ++odd) {
#pragma unroll
                for (int i = 0; i < S::kRowTiles; ++i) multiply_add(sums.acc[i][j + odd], a[i], b[odd]);
                if (own_turn) {
#pragma unroll
                    for (int word = 0; word < 2; ++word)
                        sums.columns[j + odd] =
                            __dp4a(static_cast<int>(b[odd][word]), kOnes, sums.columns[j + odd]);
                }
            }
        }
    }
}

// The sum over the four lanes that share rows of A, or columns of B.
__device__ inline int32_t sum_of_four(int32_t value) {
    value += __shfl_xor_sync(~0u, value, 1);
    return value + __shfl_xor_sync(~0u, value, 2);
}

// Stores the block's tile of int8 results, as far as it lies within y, a Vector at a time.
template <class S, class Vector>
__device__ __forceinline__ void store_vectors(int rows, int width, const uint32_t* result, int64_t stride,
                                              int8_t* y) {
    constexpr int kVectors = S::kColumns / sizeof(Vector);
    for (int i = threadIdx.x; i < S::kRows * kVectors; i += S::kBlockThreads) {
        const int row = i / kVectors, column = i % kVectors * static_cast<int>(sizeof(Vector));
        if (row >= rows || column >= width) continue;
        const auto* from = reinterpret_cast<const int8_t*>(result + row * S::kColumnPitch) + column;
        *reinterpret_cast<Vector*>(y + row * stride + column) = *reinterpret_cast<const Vector*>(from);
    }
}

// y_vector: the bytes of y that may be stored at a time.
template <class S>
__device__ __forceinline__ void store_result(int rows, int width, int y_vector, const uint32_t* result,
                                             int64_t stride, int8_t* y) {
    if (y_vector == 16)
        store_vectors<S, uint4>(rows, width, result, stride, y);
    else if (y_vector == 4)
        store_vectors<S, uint32_t>(rows, width, result, stride, y);
    else
        store_vectors<S, uint8_t>(rows, width, result, stride, y);
}

}  // namespace qudnn::kernels
