// Layer normalization of quantized rows, wherever they come from.
#pragma once

#include "kernels/layer_normalization.h"
#include "kernels/normalized_row.cuh"

namespace qudnn::kernels {

constexpr int kUnit = 16;  // channels that a thread takes at a time

struct Normalization {
    int channels, x_stride, y_stride;
    bool x_vectors, y_vectors, parameter_vectors;  // all rows are aligned
    float scale, epsilon;
    float origin;  // of biased bytes: the zero point
    int zero_point;
    RowQuantizer quantizer;

    Normalization(const NormalizationGeometry& g, const NormalizationScales& s)
        : channels(static_cast<int>(g.channels)),
          x_stride(static_cast<int>(g.x_stride)),
          y_stride(static_cast<int>(g.y_stride)),
          scale(s.x_scale),
          epsilon(s.epsilon),
          origin(byte_origin(s.x_zero_point)),
          zero_point(s.x_zero_point),
          quantizer(s.y_scale, s.y_zero_point) {}

    __device__ float value(uint32_t biased, uint32_t i) const {
        return multiply(byte_to_float(biased, i, origin), scale);
    }
    __device__ float value(const int8_t* row, int c) const {
        return value(static_cast<uint8_t>(row[c]) ^ kByteBias, 0);
    }

    // 16 channels of a row, what is beyond its end as the zero point.
    __device__ uint4 load(const int8_t* row, int first) const {
        if (x_vectors && first + kUnit <= channels) return *reinterpret_cast<const uint4*>(row + first);
        uint32_t words[4] = {};
#pragma unroll
        for (int i = 0; i < kUnit; ++i) {
            const int byte = first + i < channels ? row[first + i] : zero_point;
            words[i / 4] |= static_cast<uint32_t>(static_cast<uint8_t>(byte)) << (8 * (i % 4));
        }
        return {words[0], words[1], words[2], words[3]};
    }

    __device__ void store(int8_t* row, int first, const uint4& v) const {
        if (y_vectors && first + kUnit <= channels) {
            *reinterpret_cast<uint4*>(row + first) = v;
            return;
        }
        const uint32_t words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
        for (int i = 0; i < kUnit; ++i)
            if (first + i < y_stride)
                row[first + i] =
                    first + i < channels ? static_cast<int8_t>(words[i / 4] >> (8 * (i % 4))) : int8_t{0};
    }

    __device__ void load_parameters(float (&values)[kUnit], const float* source, int first) const {
        if (parameter_vectors && first + kUnit <= channels) {
#pragma unroll
            for (int i = 0; i < kUnit; i += 4) {
                const float4 four = *reinterpret_cast<const float4*>(source + first + i);
                values[i] = four.x, values[i + 1] = four.y, values[i + 2] = four.z, values[i + 3] = four.w;
            }
            return;
        }
#pragma unroll
        for (int i = 0; i < kUnit; ++i) values[i] = first + i < channels ? source[first + i] : 0.0f;
    }
};

__device__ inline double sum_of_row(double value) {
#pragma unroll
    for (int other = kLanes / 2; other > 0; other /= 2) value += __shfl_xor_sync(kAll, value, other);
    return value;
}

// Exact: x_scale times the sum of x - zero_point, less what the products' rounding added.
__device__ inline float mean_of_row(const Normalization& k, const int8_t* row, int lane) {
    int sum = 0;
    float excess = 0;  // in units of x_scale's last place, up to 128 each
    for (int first = lane * kUnit; first < k.channels; first += kLanes * kUnit) {
        const uint4 v = k.load(row, first);
        const uint32_t words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
        for (int w = 0; w < 4; ++w) {
            const uint32_t word = words[w];
            sum = __dp4a(static_cast<int>(word), 0x01010101, sum) - 4 * k.zero_point;
#pragma unroll
            for (uint32_t i = 0; i < 4; ++i) {
                const float centered = byte_to_float(word ^ kByteBias, i, k.origin);
                const float rounded = multiply(centered, k.scale);
                excess = plus(excess, -fused_multiply_add(centered, k.scale, -rounded));
            }
        }
    }
    const double total =
        static_cast<double>(sum) * static_cast<double>(k.scale) + static_cast<double>(excess);
    return static_cast<float>(sum_of_row(total) / static_cast<double>(k.channels));
}

// Byte `quarter` of the words of four neighbouring threads, that of the first one lowest.
__device__ inline uint32_t gather_bytes(uint32_t word, int quarter) {
    const uint32_t near = __shfl_xor_sync(kAll, word, 1);
    const uint32_t pairs = __byte_perm(word, near, quarter % 2 == 0 ? 0x6240 : 0x3715);
    const uint32_t far = __shfl_xor_sync(kAll, pairs, 2);
    return __byte_perm(pairs, far, quarter / 2 == 0 ? 0x5410 : 0x3276);
}

// The sum of squared differences from the mean. Thread l of a row adds up channels l, 8 + l, ..., which it
// gets from all eight: of every word that these load, four threads want a byte each.
__device__ inline float squares_of_row(const Normalization& k, const int8_t* row, int lane, float mean) {
    const int groups = k.channels / kLanes;
    const bool upper = lane >= 4;
    float squares = 0;
    for (int start = 0; start < k.channels; start += kLanes * kUnit) {
        const uint4 v = k.load(row, start + lane * kUnit);
        // The upper four threads take the upper words of the groups of 8 channels, two of each thread.
        const uint32_t even = __shfl_xor_sync(kAll, upper ? v.x : v.y, 4);
        const uint32_t odd = __shfl_xor_sync(kAll, upper ? v.z : v.w, 4);
        const uint32_t words[4] = {
            gather_bytes(upper ? even : v.x, lane % 4), gather_bytes(upper ? odd : v.z, lane % 4),
            gather_bytes(upper ? v.y : even, lane % 4), gather_bytes(upper ? v.w : odd, lane % 4)};
        const int group = start / kLanes;
        const bool whole = group + kUnit <= groups;
#pragma unroll
        for (int i = 0; i < kUnit; ++i) {
            if (!whole && group + i >= groups) break;
            const uint32_t word = words[i / 8 * 2 + i % 2] ^ kByteBias;
            const float difference = plus(k.value(word, static_cast<uint32_t>(i) % 8 / 2), -mean);
            squares = fused_multiply_add(difference, difference, squares);
        }
    }
    return with_last_squares(sum_of_lanes(squares), k.channels, mean, [&](int c) { return k.value(row, c); });
}

// Eight threads to a row. They read it three times, of which the last two find it in the cache. Rows says
// where a row lies:
//   const int8_t* prepared(const Normalization&, int64_t row, int lane) const    all threads of a warp
//   together
template <bool kPlain, typename Rows>
__global__ void __launch_bounds__(kThreads)
    normalize_rows(int64_t rows, const __grid_constant__ Normalization k,
                   const __grid_constant__ Rows source_rows, const float* __restrict__ gamma,
                   const float* __restrict__ beta, int8_t* __restrict__ y) {
    const int lane = threadIdx.x % kLanes;
    const int64_t step = int64_t{gridDim.x} * (kThreads / kLanes);
    // Threads of a warp stay together, as they exchange values.
    for (int64_t first = int64_t{blockIdx.x} * (kThreads / kLanes) + threadIdx.x / 32 * (32 / kLanes);
         first < rows; first += step) {
        const int64_t row = first + threadIdx.x % 32 / kLanes;
        const int8_t* source = source_rows.prepared(k, min(row, rows - 1), lane);
        const float mean = mean_of_row(k, source, lane);
        const float inverse =
            divide(1.0f, deviation(squares_of_row(k, source, lane, mean), k.channels, k.epsilon));
        if (row >= rows) continue;
        for (int at = lane * kUnit; at < k.y_stride; at += kLanes * kUnit) {
            const uint4 v = k.load(source, at);
            float scale[kUnit], shift[kUnit];
            k.load_parameters(scale, gamma, at);
            k.load_parameters(shift, beta, at);
            const uint32_t words[4] = {v.x, v.y, v.z, v.w};
            uint32_t results[kUnit];
#pragma unroll
            for (int i = 0; i < kUnit; ++i) {
                const float r = k.value(words[i / 4] ^ kByteBias, static_cast<uint32_t>(i) % 4);
                const float normalized = multiply(plus(r, -mean), inverse);
                results[i] =
                    k.quantizer.quantized<kPlain>(fused_multiply_add(normalized, scale[i], shift[i]));
            }
            k.store(y + row * k.y_stride, at,
                    {pack(results[0], results[1], results[2], results[3]),
                     pack(results[4], results[5], results[6], results[7]),
                     pack(results[8], results[9], results[10], results[11]),
                     pack(results[12], results[13], results[14], results[15])});
        }
    }
}

// bytes: of dynamic shared memory, for what Rows keeps there.
template <typename Rows>
cudaError_t launch_normalize_rows(const NormalizationGeometry& g, Normalization k, const Rows& rows,
                                  size_t bytes, const float* gamma, const float* beta, int8_t* y,
                                  cudaStream_t stream) {
    k.y_vectors = g.y_stride % kUnit == 0 && aligned(y, kUnit);
    k.parameter_vectors = aligned(gamma, sizeof(float4)) && aligned(beta, sizeof(float4));
    const auto kernel = k.quantizer.plain ? normalize_rows<true, Rows> : normalize_rows<false, Rows>;
    return launch_with(kernel, ceil_div(g.rows, kThreads / kLanes), kThreads, bytes, stream, g.rows, k, rows,
                       gamma, beta, y);
}

}  // namespace qudnn::kernels
