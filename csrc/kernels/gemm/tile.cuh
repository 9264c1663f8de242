// A 64 x 64 tile of an int8 matmul x * w^T by one block: what matmul and conv share.
//
// Both operands are read as rows of bytes along the summed dimension, in slabs of 64 bytes: a loader
// gives its thread's words of the current slab and moves on to the next. The next slab's words are
// loaded into registers while the current one is multiplied out of shared memory.
#pragma once

#include "kernels/epilogue/residual_epilogue.cuh"

namespace qudnn::kernels {

constexpr int kTile = 64;                        // rows of x and rows of w per block
constexpr int kSlab = 64;                        // bytes of the summed dimension at a time
constexpr int kSlabWords = kSlab / 4;            // thread t loads word t % 16 ...
constexpr int kRowStep = kThreads / kSlabWords;  // ... of rows t / 16, t / 16 + 16, ...
constexpr int kRowsPerThread = kTile / kRowStep;

// Four bytes; kWords: the address is a multiple of 4.
template <bool kWords>
__device__ uint32_t load_word(const int8_t* p, int64_t valid) {
    if (kWords) return valid > 0 ? *reinterpret_cast<const uint32_t*>(p) : 0;
    uint32_t word = 0;
#pragma unroll
    for (int i = 0; i < 4; ++i)
        if (i < valid) word |= static_cast<uint32_t>(static_cast<uint8_t>(p[i])) << (8 * i);
    return word;
}

// Rows of a dense matrix [rows, depth], from `row` on. kWords: depth is a multiple of 4, the data aligned.
template <bool kWords>
class RowLoader {
  public:
    __device__ RowLoader(const int8_t* matrix, int64_t rows, int64_t depth, int64_t row)
        : rows_(rows - row - threadIdx.x / kSlabWords),
          depth_(depth),
          column_(threadIdx.x % kSlabWords * 4),
          p_(matrix + (row + threadIdx.x / kSlabWords) * depth + column_) {}

    __device__ uint32_t load(int j) const {
        return load_word<kWords>(p_ + j * kRowStep * depth_, j * kRowStep < rows_ ? depth_ - column_ : 0);
    }
    __device__ void advance() {
        column_ += kSlab;
        p_ += kSlab;
    }

  private:
    int64_t rows_, depth_, column_;
    const int8_t* p_;
};

// Where a thread's 4 x 4 results lie in the tile.
__device__ inline int thread_row() { return threadIdx.x / 16 * 4; }
__device__ inline int thread_column() { return threadIdx.x % 16 * 4; }

template <typename LoaderX, typename LoaderW>
__device__ void multiply_tile(int64_t depth, LoaderX x, LoaderW w, int (&acc)[4][4]) {
    __shared__ __align__(16) uint32_t x_words[kSlabWords][kTile + 4], w_words[kSlabWords][kTile + 4];
    const int word = threadIdx.x % kSlabWords, row = threadIdx.x / kSlabWords;
    uint32_t x_next[kRowsPerThread], w_next[kRowsPerThread];
    auto load = [&] {
#pragma unroll
        for (int j = 0; j < kRowsPerThread; ++j) {
            x_next[j] = x.load(j);
            w_next[j] = w.load(j);
        }
        x.advance();
        w.advance();
    };
#pragma unroll
    for (int i = 0; i < 16; ++i) acc[i / 4][i % 4] = 0;
    if (depth > 0) load();
    for (int64_t done = 0; done < depth; done += kSlab) {
        __syncthreads();
#pragma unroll
        for (int j = 0; j < kRowsPerThread; ++j) {
            x_words[word][row + j * kRowStep] = x_next[j];
            w_words[word][row + j * kRowStep] = w_next[j];
        }
        __syncthreads();
        if (done + kSlab < depth) load();
#pragma unroll
        for (int i = 0; i < kSlabWords; ++i) {
            const int4 a = *reinterpret_cast<const int4*>(&x_words[i][thread_row()]);
            const int4 b = *reinterpret_cast<const int4*>(&w_words[i][thread_column()]);
            const int as[4] = {a.x, a.y, a.z, a.w}, bs[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
            for (int j = 0; j < 16; ++j) acc[j / 4][j % 4] = __dp4a(as[j / 4], bs[j % 4], acc[j / 4][j % 4]);
        }
    }
}

// Where the rows of a matmul lie in y: one after the other.
struct DenseRows {
    __device__ int64_t operator()(int64_t row) const { return row; }
};

// Applies the epilogue to the thread's results and stores them to y [rows, row_size], in `columns` columns
// from `column` on. vectors: column, columns and row_size are multiples of 4, y's address of 4 results' size.
// place(row): the row of y that a row of the matmul is.
template <class E, typename Y, class Place = DenseRows>
__device__ void store_tile(bool vectors, const int (&acc)[4][4], const E& epilogue, int64_t row, int64_t rows,
                           int64_t column, int64_t columns, int64_t row_size, Y* y, const Place& place = {}) {
    row += thread_row();
    typename E::Channel channels[4];
    const int64_t valid = columns - thread_column();
    column += thread_column();
#pragma unroll
    for (int j = 0; j < 4; ++j)
        if (j < valid) channels[j] = epilogue.channel(column + j);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        if (row + i >= rows) return;
        typename E::Result out[4] = {};
        const int64_t first = place(row + i) * row_size + column;
        Y* target = y + first;
#pragma unroll
        for (int j = 0; j < 4; ++j)
            if (j < valid) out[j] = result_at(epilogue, acc[i][j], channels[j], first + j);
        if (vectors) {
            if (valid > 0) E::store4(target, out);
        } else {
#pragma unroll
            for (int j = 0; j < 4; ++j)
                if (j < valid) target[j] = static_cast<Y>(out[j]);
        }
    }
}

}  // namespace qudnn::kernels
