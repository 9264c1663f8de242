// Quantized softmax of tiles of rows in shared memory. A thread adds up a row of its own: the specification's
// sum is one addition after the other, and so 32 of them are under way in a warp.
#pragma once

#include <type_traits>

#include "kernels/common/divisor.cuh"
#include "kernels/common/float_divisor.cuh"
#include "kernels/softmax/softmax.h"

namespace qudnn::kernels {

constexpr int kMaxTileWarps = 16;
constexpr int kTableWords = 256 * 32;  // the exponentials, once for each lane, in its own bank

// Whether all results are small enough for the arithmetic below.
inline bool has_small_results(const SoftmaxConstants& k) {
    return std::isfinite(multiply(k.exps[255], k.inverse_scale)) && k.inverse_scale <= 1 << 20;
}

constexpr const char* kLargeResults = "results of the softmax that may be too large";

// From kSumOrigin + n to n + zero point, less the offset of uint8.
__host__ __device__ inline int32_t zero_shift(const SoftmaxConstants& k) {
    return k.y_zero_point - (k.is_uint8 ? 128 : 0) - kSumOrigin;
}

struct Tiles {
    int64_t rows;
    int stride, channels;
    int pitch;              // of a row in shared memory, in vectors of 16 bytes: odd, against bank conflicts
    int row_vectors;        // with channels
    Divisor<uint32_t> row;  // items of a row in global memory: vectors where they are aligned, else bytes
    Divisor<uint32_t> vectors;
    bool aligned;
    float inverse_scale;
    int32_t shift;  // zero_shift()
};

template <typename Item>
struct Places {
    Item* tile;
    int pitch;  // in items
    Divisor<uint32_t> row;

    __device__ Item& operator[](uint32_t i) const {
        const uint32_t column = split(i, row);
        return tile[i * static_cast<uint32_t>(pitch) + column];
    }
};

// By a warp, several items of a thread at a time: they are on their way together.
template <typename To, typename From>
__device__ inline void copy(const To& to, const From& from, uint32_t count) {
    constexpr uint32_t kUnroll = 8;
    for (uint32_t first = threadIdx.x % 32; first < count; first += 32 * kUnroll) {
        std::decay_t<decltype(from[0])> items[kUnroll];
#pragma unroll
        for (uint32_t u = 0; u < kUnroll; ++u)
            if (first + 32 * u < count) items[u] = from[first + 32 * u];
#pragma unroll
        for (uint32_t u = 0; u < kUnroll; ++u)
            if (first + 32 * u < count) to[first + 32 * u] = items[u];
    }
}

// `exps` are the lane's, `shift` takes a biased byte to its index.
__device__ inline float look_up(const float* exps, uint32_t biased, int shift) {
    return exps[(static_cast<int>(biased) + shift) * 32];
}

__device__ inline uint32_t byte_of(uint32_t word, int i) {
    return __byte_perm(word, 0, 0x4440u + static_cast<uint32_t>(i));
}

__device__ inline int shift_of_row(const uint4* row, int channels) {
    uint32_t largest = splat(-128);
    for (int v = 0; v < channels / 16; ++v) {
        const uint4 q = row[v];
        largest = __vmaxs4(largest, __vmaxs4(__vmaxs4(q.x, q.y), __vmaxs4(q.z, q.w)));
    }
    int maximum = -128;
    for (int i = 0; i < 4; ++i)
        maximum = max(maximum, static_cast<int>(static_cast<int8_t>(byte_of(largest, i))));
    const auto* bytes = reinterpret_cast<const int8_t*>(row);
    for (int c = channels / 16 * 16; c < channels; ++c) maximum = max(maximum, static_cast<int>(bytes[c]));
    return 127 - maximum;
}

__device__ inline float sum_of_row(const uint4* row, int channels, const float* exps, int shift) {
    float sum = 0;
#pragma unroll 2
    for (int v = 0; v < channels / 16; ++v) {
        const uint4 q = row[v];
        const uint32_t words[4] = {q.x, q.y, q.z, q.w};
#pragma unroll
        for (int i = 0; i < 16; ++i)
            sum = plus(sum, look_up(exps, byte_of(words[i / 4] ^ kByteBias, i % 4), shift));
    }
    const auto* bytes = reinterpret_cast<const int8_t*>(row);
    for (int c = channels / 16 * 16; c < channels; ++c)
        sum = plus(sum, look_up(exps, static_cast<uint32_t>(bytes[c] + 128), shift));
    return sum;
}

// The results of 16 values of a row, none of them above its maximum; `zero` takes kSumOrigin + n to n + zero
// point.
__device__ inline void softmax_of_words(uint32_t (&words)[4], const float* exps, int shift,
                                        const FloatDivisor& sum, float inverse_scale, int32_t zero) {
#pragma unroll
    for (int w = 0; w < 4; ++w) {
        uint32_t results[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const float exponential = look_up(exps, byte_of(words[w] ^ kByteBias, i), shift);
            const float quotient = sum.quotient(multiply(exponential, inverse_scale));
            results[i] = static_cast<uint32_t>(min(rounded_bits(quotient) + zero, 127));
        }
        words[w] = pack(results[0], results[1], results[2], results[3]);
    }
}

template <int kRows>
__global__ void __launch_bounds__(kMaxTileWarps * 32)
    softmax_tiles(const __grid_constant__ Tiles g, const __grid_constant__ SoftmaxConstants k,
                  const int8_t* __restrict__ x, int8_t* __restrict__ y) {
    extern __shared__ __align__(16) uint32_t shared[];
    auto* const all_exps = reinterpret_cast<float*>(shared);
    for (uint32_t i = threadIdx.x; i < kTableWords; i += blockDim.x) all_exps[i] = k.exps[i / 32];
    __syncthreads();
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    const float* const exps = all_exps + lane;
    auto* const tile = reinterpret_cast<uint4*>(shared + kTableWords) + warp * kRows * g.pitch;
    const Places<uint4> vectors{tile, g.pitch, g.row};
    const Places<int8_t> bytes{reinterpret_cast<int8_t*>(tile), g.pitch * 16, g.row};

    for (int64_t first = (int64_t{blockIdx.x} * warps + warp) * kRows; first < g.rows;
         first += int64_t{gridDim.x} * warps * kRows) {
        const auto count = static_cast<int>(min(g.rows - first, int64_t{kRows}));
        const int8_t* const source = x + first * g.stride;
        if (g.aligned)
            copy(vectors, reinterpret_cast<const uint4*>(source), count * g.row.value);
        else
            copy(bytes, source, count * g.row.value);
        __syncwarp();

        int shift = 0;
        float sum = 1;
        if (lane < count) {
            const uint4* const row = tile + lane * g.pitch;
            shift = shift_of_row(row, g.channels);
            sum = sum_of_row(row, g.channels, exps, shift);
        }
        const FloatDivisor own(sum);
        __syncwarp();

        const auto items = static_cast<uint32_t>(count) * static_cast<uint32_t>(g.row_vectors);
        for (uint32_t start = 0; start < items; start += 32) {
            uint32_t row = min(start + lane, items - 1);
            const auto vector = static_cast<int>(split(row, g.vectors));
            FloatDivisor divisor = own;
            divisor.value = __shfl_sync(0xFFFFFFFFu, own.value, static_cast<int>(row));
            divisor.reciprocal = __shfl_sync(0xFFFFFFFFu, own.reciprocal, static_cast<int>(row));
            const int row_shift = __shfl_sync(0xFFFFFFFFu, shift, static_cast<int>(row));
            if (start + lane >= items) continue;
            uint4& place = tile[row * static_cast<uint32_t>(g.pitch) + vector];
            uint32_t words[4] = {place.x, place.y, place.z, place.w};
            const int valid = g.channels - vector * 16;
            // What is beyond the channels stays. It may exceed the row's maximum, the table's last entry.
            if (valid < 16) {
#pragma unroll
                for (int w = 0; w < 4; ++w) words[w] = chosen(words[w], splat(-128), valid - w * 4);
            }
            softmax_of_words(words, exps, row_shift, divisor, g.inverse_scale, g.shift);
            if (valid < 16) {
                const uint32_t kept[4] = {place.x, place.y, place.z, place.w};
#pragma unroll
                for (int w = 0; w < 4; ++w) words[w] = chosen(words[w], kept[w], valid - w * 4);
            }
            place = {words[0], words[1], words[2], words[3]};
        }
        __syncwarp();
        int8_t* const target = y + first * g.stride;
        if (g.aligned)
            copy(reinterpret_cast<uint4*>(target), vectors, count * g.row.value);
        else
            copy(target, bytes, count * g.row.value);
        __syncwarp();
    }
}

}  // namespace qudnn::kernels
