// What attention.cuh does with rows of scores in shared memory: the softmaxes of softmax_tiles.cuh and
// masked_softmax.cuh, in place.
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/common/float_divisor.cuh"
#include "kernels/softmax/masked_softmax.cuh"
#include "kernels/softmax/softmax_tiles.cuh"

namespace qudnn::kernels {

// The sum of a row's exponentials.
struct RowSum {
    float sum;
    int32_t maximum;  // of its scores
};

// The rows of a block; `rows` may exceed the block's.
struct ScoreRows {
    uint32_t* scores;
    int pitch;       // words, of a row: an odd number of 16 bytes
    int rows, n;     // rows that exist, and their scores
    int vectors;     // of 16 scores, of a row up to its end; those beyond n become 0
    uint32_t first;  // the number of the first row among all rows of all matmuls
    uint32_t* scratch;
    RowSum* sums;
};

// Fills the table of exponentials; each warp loads its part at once.
template <int kThreads>
__device__ inline void fill_exponentials(const SoftmaxConstants& constants, float* all_exps) {
    constexpr int kWarpExps = 256 * 32 / kThreads;
    const int first = static_cast<int>(threadIdx.x) / 32 * kWarpExps, lane = threadIdx.x % 32;
    float exps[kWarpExps];
#pragma unroll
    for (int i = 0; i < kWarpExps; ++i) exps[i] = constants.exps[first + i];
#pragma unroll
    for (int i = 0; i < kWarpExps; ++i) all_exps[(first + i) * 32 + lane] = exps[i];
}

// A lane's exponentials in shared memory, the first one for -128. Their address is kept as a number, so that
// one multiply-add gives the address for a byte.
class LaneExponentials {
  public:
#ifdef __CUDA_ARCH__
    __device__ explicit LaneExponentials(const float* first) {
        asm volatile("mov.b32 %0, %1;"
                     : "=r"(first_)
                     : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(first))));
    }
    __device__ float operator[](uint32_t biased) const {
        float found;
        asm volatile("ld.shared.f32 %0, [%1];" : "=f"(found) : "r"(first_ + biased * 128) : "memory");
        return found;
    }

  private:
    uint32_t first_;
#else
    explicit LaneExponentials(const float* first) : first_(first) {}
    float operator[](uint32_t biased) const { return first_[biased * 32]; }

  private:
    const float* first_;
#endif
};

// Of 16 values.
__device__ __forceinline__ void look_up(float (&found)[16], const uint4& q, const LaneExponentials& exps) {
    const uint32_t words[4] = {q.x ^ kByteBias, q.y ^ kByteBias, q.z ^ kByteBias, q.w ^ kByteBias};
#pragma unroll
    for (int i = 0; i < 16; ++i) found[i] = exps[byte_of(words[i / 4], i % 4)];
}

// The maximum of a row, by 16-bit maxima, which the upper byte decides.
__device__ inline int maximum_of_row(const uint4* row, int channels) {
    uint32_t odd = splat(-128), even = odd;
#pragma unroll 4
    for (int v = 0; v < channels / 16; ++v) {
        const uint4 q = row[v];
        odd = __vmaxs2(__vmaxs2(odd, __vmaxs2(q.x, q.y)), __vmaxs2(q.z, q.w));
        even = __vmaxs2(__vmaxs2(even, __vmaxs2(q.x << 8, q.y << 8)), __vmaxs2(q.z << 8, q.w << 8));
    }
    const uint32_t both = __vmaxs2(odd, even);
    int maximum = max(static_cast<int32_t>(both) >> 24, static_cast<int32_t>(both << 16) >> 24);
    const auto* bytes = reinterpret_cast<const int8_t*>(row);
    for (int c = channels / 16 * 16; c < channels; ++c) maximum = max(maximum, static_cast<int>(bytes[c]));
    return maximum;
}

// One addition after the other, while the next exponentials are looked up.
__device__ inline float sum_of_row(const uint4* row, int channels, const LaneExponentials& exps) {
    const int vectors = channels / 16;
    float sum = 0;
    if (vectors > 0) {
        float these[16];
        look_up(these, row[0], exps);
        uint4 next = row[min(1, vectors - 1)];
#pragma unroll 2
        for (int v = 1; v < vectors; ++v) {
            float others[16];
            look_up(others, next, exps);
            next = row[min(v + 1, vectors - 1)];
#pragma unroll
            for (int i = 0; i < 16; ++i) sum = plus(sum, these[i]), these[i] = others[i];
        }
#pragma unroll
        for (const float one : these) sum = plus(sum, one);
    }
    const auto* bytes = reinterpret_cast<const int8_t*>(row);
    for (int c = vectors * 16; c < channels; ++c)
        sum = plus(sum, exps[static_cast<uint32_t>(bytes[c] + 128)]);
    return sum;
}

// QSoftmax: a thread adds up a row, then all of the row's threads divide.
struct LinearSoftmax {
    // Sums may be as large as a float can be. As IntegerDivisor does, both sides are multiplied by this. Only
    // numbers below 2^-126 become zero, and sums are far above: see softmax_constants().
    static constexpr float kScaled = 0x1p-32f;

    SoftmaxConstants constants;

    template <class S>
    __device__ void run(const ScoreRows& r) const {
        static_assert(S::kBlockThreads % S::kRows == 0);
        constexpr int kParts = S::kBlockThreads / S::kRows;
        auto* const all_exps = reinterpret_cast<float*>(r.scratch);
        fill_exponentials<S::kBlockThreads>(constants, all_exps);
        const int row = static_cast<int>(threadIdx.x) % S::kRows;
        const int part = static_cast<int>(threadIdx.x) / S::kRows;
        auto* const vectors = reinterpret_cast<uint4*>(r.scores + row * r.pitch);
        const int maximum = part == 0 ? maximum_of_row(vectors, r.n) : 0;
        __syncthreads();
        // The table's last entries are the maximum's.
        const float* const lane_exps = all_exps + 127 * 32 + threadIdx.x % 32;
        if (part == 0) {
            const LaneExponentials exps(lane_exps - maximum * 32);
            r.sums[row] = {sum_of_row(vectors, r.n, exps), maximum};
        }
        __syncthreads();
        const RowSum total = r.sums[row];
        const LaneExponentials exps(lane_exps - total.maximum * 32);
        const IntegerDivisor divisor(multiply(total.sum, kScaled));
        const float scale = multiply(constants.inverse_scale, kScaled);
        const int32_t zero = zero_shift(constants);
#pragma unroll 1
        for (int v = part; v < r.vectors; v += kParts) {
            const int valid = r.n - v * 16;
            uint4 q = vectors[v];
            if (valid < 16) {  // what is beyond n may exceed the row's maximum
                q = {chosen(q.x, splat(-128), valid), chosen(q.y, splat(-128), valid - 4),
                     chosen(q.z, splat(-128), valid - 8), chosen(q.w, splat(-128), valid - 12)};
            }
            float found[16];
            look_up(found, q, exps);
            uint32_t words[4];
#pragma unroll
            for (int w = 0; w < 4; ++w) {
                int32_t rounded[4];
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const float quotient = divisor.quotient(multiply(found[w * 4 + i], scale));
                    rounded[i] = rounded_bits(quotient) + zero;
                }
                words[w] = pack_saturated(rounded[0], rounded[1], rounded[2], rounded[3]);
            }
            if (valid < 16) {
#pragma unroll
                for (int w = 0; w < 4; ++w) words[w] &= first_bytes(valid - w * 4);
            }
            vectors[v] = {words[0], words[1], words[2], words[3]};
        }
        // The matmul's first step waits for all threads before it reads a row of P.
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
