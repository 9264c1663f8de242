// What attention.cuh does with rows of scores in shared memory: the softmaxes of softmax_tiles.cuh and
// masked_softmax.cuh, in place.
#pragma once

#include "kernels/masked_softmax.cuh"
#include "kernels/softmax_tiles.cuh"

namespace qudnn::kernels {

// Of a row's exponentials, and what takes its values to theirs.
struct RowSum {
    float sum;
    int32_t shift;
};

// The rows of a block; `rows` may exceed the block's.
struct ScoreRows {
    uint32_t* scores;
    int pitch;       // words, of a row: an odd number of 16 bytes
    int rows, n;     // rows that exist, and their scores
    int vectors;     // of 16 scores, of a row up to its end; those beyond n become 0
    uint32_t first;  // the number of the first row among all rows of all products
    uint32_t* scratch;
    RowSum* sums;
};

// QSoftmax: a thread adds up a row, then all of the row's threads divide.
struct LinearSoftmax {
    SoftmaxConstants constants;

    template <class S>
    __device__ void run(const ScoreRows& r) const {
        static_assert(S::kBlockThreads % S::kRows == 0);
        constexpr int kParts = S::kBlockThreads / S::kRows;
        auto* const all_exps = reinterpret_cast<float*>(r.scratch);
        for (int i = threadIdx.x; i < kTableWords; i += S::kBlockThreads)
            all_exps[i] = constants.exps[i / 32];
        __syncthreads();
        const float* const exps = all_exps + threadIdx.x % 32;
        const int row = static_cast<int>(threadIdx.x) % S::kRows;
        const int part = static_cast<int>(threadIdx.x) / S::kRows;
        auto* const vectors = reinterpret_cast<uint4*>(r.scores + row * r.pitch);
        if (part == 0) {
            const int shift = shift_of_row(vectors, r.n);
            r.sums[row] = {sum_of_row(vectors, r.n, exps, shift), shift};
        }
        __syncthreads();
        const auto [sum, shift] = r.sums[row];
        const FloatDivisor divisor(sum);
        const int32_t zero = zero_shift(constants);
        for (int v = part; v < r.vectors; v += kParts) {
            const int valid = r.n - v * 16;
            uint32_t words[4] = {};
            if (valid > 0) {
                const uint4 q = vectors[v];
                const uint32_t all[4] = {q.x, q.y, q.z, q.w};
                // What is beyond n may exceed the row's maximum, the table's last entry.
#pragma unroll
                for (int w = 0; w < 4; ++w) words[w] = chosen(all[w], splat(-128), valid - w * 4);
                softmax_of_words(words, exps, shift, divisor, constants.inverse_scale, zero);
#pragma unroll
                for (int w = 0; w < 4; ++w) words[w] &= first_bytes(valid - w * 4);
            }
            vectors[v] = {words[0], words[1], words[2], words[3]};
        }
        // The product's first step waits for all threads before it reads a row.
    }
};

// QMaskedSoftmax: a warp takes several rows, so that it seldom waits for one of them.
template <int kWords>
struct MaskedRows {
    MaskedSoftmax softmax;  // of y_stride all scores up to a row's end
    const float* mask;

    template <class S>
    __device__ void run(const ScoreRows& r) const {
        constexpr int kWarps = S::kBlockThreads / 32, kMine = S::kRows / kWarps;
        constexpr int kAtOnce = kWords <= 2 ? 4 : kWords <= 4 ? 2 : 1;
        static_assert(kMine % kAtOnce == 0 && kMine <= 32);
        const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, rows = min(r.rows, S::kRows);
        const uint32_t my_mask = softmax.mask_row(r.first + static_cast<uint32_t>(warp + lane * kWarps));
#pragma unroll 1
        for (int i = 0; i < kMine; i += kAtOnce) {
            SoftmaxRows<kAtOnce> few{.valid = (rows - warp + kWarps - 1) / kWarps - i};
            if (few.valid <= 0) break;
#pragma unroll
            for (int j = 0; j < kAtOnce; ++j) {
                const int mine = j < few.valid ? i + j : i;
                few.y[j] = reinterpret_cast<int8_t*>(r.scores + (warp + mine * kWarps) * r.pitch);
                few.x[j] = few.y[j];
                few.mask[j] = softmax.at(mask, __shfl_sync(~0u, my_mask, mine));
            }
            masked_softmax_of_rows<kWords>(softmax, few);
        }
    }
};

}  // namespace qudnn::kernels
