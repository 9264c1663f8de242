// Layer normalization of quantized rows, wherever they come from. A Source gives rows of x_stride bytes, four
// at a time, all threads of a warp together; kWords: all rows are aligned, and no word goes beyond an end.
//   template <bool kWords> Item load(int64_t row, int c) const    what channels c to c + 3 are made of
//   template <bool kWords> uint32_t word(Item item, int64_t row, int c) const    those channels, once for
//   each
#pragma once

#include <type_traits>

#include "kernels/common/dependent_launch.cuh"
#include "kernels/common/gpu.h"
#include "kernels/common/row_reduction.cuh"
#include "kernels/norm/layer_normalization.h"
#include "kernels/norm/normalized_row.cuh"

namespace qudnn::kernels {

constexpr int kWarpChannels = 32 * 4;  // that a warp takes of a row at a time

// Channels of a row that lie in shared memory at a time; longer rows are brought there for each step anew.
template <int kRows>
constexpr int kMostStaged = 8192 / kRows;

// Whether 32 bits count the elements of a row, with room for the last step of its loops.
inline bool narrow_rows(const NormalizationGeometry& g) {
    constexpr int kRoom = 8 * kWarpChannels;
    return narrow(g.x_stride + kRoom) && narrow(g.y_stride + kRoom);
}

// Bytes c to c + 3 of a row of `stride`, 0 in the place of those beyond its end.
template <bool kWords>
__device__ uint32_t load_word(const int8_t* row, int c, int stride) {
    if constexpr (kWords) {
        return *reinterpret_cast<const uint32_t*>(row + c);
    } else {
        uint32_t word = 0;
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (c + i < stride) word |= static_cast<uint32_t>(static_cast<uint8_t>(row[c + i])) << (8 * i);
        return word;
    }
}

template <bool kWords>
__device__ void store_word(int8_t* row, int c, int stride, uint32_t word) {
    if constexpr (kWords) {
        *reinterpret_cast<uint32_t*>(row + c) = word;
    } else {
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (c + i < stride) row[c + i] = static_cast<int8_t>(word >> (8 * i));
    }
}

template <bool kWords>
__device__ void store_floats(float* row, int c, int channels, const float (&values)[4]) {
    if constexpr (kWords) {
        *reinterpret_cast<float4*>(row + c) = {values[0], values[1], values[2], values[3]};
    } else {
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (c + i < channels) row[c + i] = values[i];
    }
}

template <bool kWords>
__device__ float4 load_parameters(const float* source, int c, int channels) {
    if constexpr (kWords) {
        return *reinterpret_cast<const float4*>(source + c);
    } else {
        float each[4] = {};
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (c + i < channels) each[i] = source[c + i];
        return {each[0], each[1], each[2], each[3]};
    }
}

struct Normalization {
    int64_t rows;
    int channels, x_stride, y_stride;
    int staged;  // channels of a row in shared memory
    int pitch;   // floats between rows there
    float scale, epsilon;
    float origin;  // of biased bytes: the zero point
    int zero_point;
    RowQuantizer quantizer;

    Normalization(const NormalizationGeometry& g, const NormalizationScales& s)
        : rows(g.rows),
          channels(static_cast<int>(g.channels)),
          x_stride(static_cast<int>(g.x_stride)),
          y_stride(static_cast<int>(g.y_stride)),
          staged(0),
          pitch(0),
          scale(s.x_scale),
          epsilon(s.epsilon),
          origin(byte_origin(s.x_zero_point)),
          zero_point(s.x_zero_point),
          quantizer(s.y_scale, s.y_zero_point) {}

    __device__ float centered(uint32_t biased, uint32_t i) const { return byte_to_float(biased, i, origin); }
    __device__ float value(const int8_t* row, int c) const {
        return multiply(centered(static_cast<uint8_t>(row[c]) ^ kByteBias, 0), scale);
    }
};

// What a thread has seen of a row. The exact sum is x_scale times that of x - zero_point, less what the
// products' rounding added.
struct ExactSum {
    int units = 0;
    float excess = 0;  // in units of x_scale's last place, up to 128 for each channel

    // Adds four channels, and gives their values.
    __device__ float4 add(const Normalization& k, uint32_t word) {
        units = __dp4a(static_cast<int>(word), 0x01010101, units) - 4 * k.zero_point;
        float values[4];
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) {
            const float centered = k.centered(word ^ kByteBias, i);
            values[i] = multiply(centered, k.scale);
            excess = plus(excess, -fused_multiply_add(centered, k.scale, -values[i]));
        }
        return {values[0], values[1], values[2], values[3]};
    }
    __device__ double total(const Normalization& k) const {
        return static_cast<double>(units) * static_cast<double>(k.scale) + static_cast<double>(excess);
    }
};

// Brings channels `start` to start + k.staged of the rows from `first` on to shared memory, as floats, and
// adds them to `sums`. In the place of rows that are missing is the last one.
template <bool kWords, int kRows, bool kNarrow, typename Source>
__device__ void stage(const Normalization& k, const Source& source, int64_t first, int start, float* staged,
                      ExactSum (&sums)[kRows]) {
    constexpr int kSteps = kNarrow      ? 1
                           : kRows == 1 ? 8
                                        : 16 / sizeof(typename Source::Item);  // loads under way together
    const int end = min(start + k.staged, k.x_stride);
    __syncwarp();  // with those who read what was there
    for (int at = start + static_cast<int>(threadIdx.x) * 4; at < end; at += kSteps * kWarpChannels) {
        typename Source::Item items[kSteps][kRows];
#pragma unroll
        for (int s = 0; s < kSteps; ++s)
#pragma unroll
            for (int r = 0; r < kRows; ++r)
                if (at + s * kWarpChannels < end)
                    items[s][r] =
                        source.template load<kWords>(min(first + r, k.rows - 1), at + s * kWarpChannels);
#pragma unroll
        for (int s = 0; s < kSteps; ++s) {
            const int c = at + s * kWarpChannels;
            if (c >= end) break;
#pragma unroll
            for (int r = 0; r < kRows; ++r) {
                uint32_t word = source.template word<kWords>(items[s][r], min(first + r, k.rows - 1), c);
                if (!kWords) word = chosen(word, splat(k.zero_point), k.channels - c);
                *reinterpret_cast<float4*>(staged + r * k.pitch + c - start) = sums[r].add(k, word);
            }
        }
    }
    __syncwarp();
}

// Of channels lane, lane + 8, ... in shared memory.
__device__ inline float squares_of(const float* values, int count, float mean, float squares) {
#pragma unroll 16
    for (int i = 0; i < count; ++i) {
        const float difference = plus(values[i * kLanes], -mean);
        squares = fused_multiply_add(difference, difference, squares);
    }
    return squares;
}

// That a multiprocessor has room for, at the least.
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ == 800 || (__CUDA_ARCH__ >= 900 && __CUDA_ARCH__ < 1200))
constexpr int kMostBlocks = 32;
#else
constexpr int kMostBlocks = 16;
#endif

// A warp to kRows rows at a time. It works on one after the other, but for the squares, whose sums are eight
// chains of additions to a row. kSimple: rows are dense and aligned, of a multiple of four channels, and lie
// in shared memory as a whole; y's scale is none of RowQuantizer::plain. kNarrow: as many blocks as a
// multiprocessor has room for hide what each waits for; with more loads under way there is room for fewer. Y:
// int8_t, quantized, or float, as it is and without more channels.
template <int kRows, bool kSimple, bool kNarrow, typename Source, typename Y>
__global__ void __launch_bounds__(32, kNarrow ? kMostBlocks : 16)
    normalize_rows(const __grid_constant__ Normalization k, const __grid_constant__ Source source,
                   const float* __restrict__ gamma, const float* __restrict__ beta, Y* __restrict__ y) {
    constexpr bool kToFloat = std::is_same_v<Y, float>;
    extern __shared__ __align__(16) float staged[];
    constexpr int kRowThreads = 32 / kRows;
    const int thread = threadIdx.x, lane = thread % kLanes;
    const float* const my_row = staged + thread / kRowThreads * k.pitch;
    const bool once = kSimple || k.x_stride <= k.staged;
    follow_kernels_before();
    for (int64_t first = int64_t{blockIdx.x} * kRows; first < k.rows; first += int64_t{gridDim.x} * kRows) {
        ExactSum sums[kRows];
        const auto bring = [&](int start) {
            stage<kSimple, kRows, kNarrow>(k, source, first, start, staged, sums);
        };
        int start = 0;
        do bring(start);
        while (!kSimple && (start += k.staged) < k.x_stride);
        double totals[kRows];
#pragma unroll
        for (int r = 0; r < kRows; ++r) totals[r] = sums[r].total(k);
        const double my_total = reduce_rows(totals, [](double a, double b) { return a + b; });
        const float my_mean = static_cast<float>(my_total / static_cast<double>(k.channels));

        float squares = 0;
        for (start = 0;; start += k.staged) {
            if (!once) bring(start);
            squares = squares_of(my_row + lane, min(k.staged, k.channels - start) / kLanes, my_mean, squares);
            if (once || start + k.staged >= k.channels) break;
        }
        squares = with_last_squares(sum_of_lanes(squares), k.channels, my_mean,
                                    [&](int c) { return my_row[c - start]; });
        const float my_inverse = divide(1.0f, deviation(squares, k.channels, k.epsilon));
        float mean[kRows], inverse[kRows];
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
            mean[r] = of_row<kRows>(r, my_mean);
            inverse[r] = of_row<kRows>(r, my_inverse);
        }

        for (start = 0; start < k.channels; start += k.staged) {
            if (!once) bring(start);
            const int end = min(start + k.staged, k.channels);
#pragma unroll 2
            for (int c = start + thread * 4; c < end; c += kWarpChannels) {
                const float4 scales = load_parameters<kSimple>(gamma, c, k.channels);
                const float4 shifts = load_parameters<kSimple>(beta, c, k.channels);
#pragma unroll
                for (int r = 0; r < kRows; ++r) {
                    const float4 v = *reinterpret_cast<const float4*>(staged + r * k.pitch + c - start);
                    const auto result = [&](float value, float scale, float shift) {
                        return fused_multiply_add(multiply(plus(value, -mean[r]), inverse[r]), scale, shift);
                    };
                    const float results[4] = {
                        result(v.x, scales.x, shifts.x), result(v.y, scales.y, shifts.y),
                        result(v.z, scales.z, shifts.z), result(v.w, scales.w, shifts.w)};
                    Y* const row = y + (first + r) * k.y_stride;
                    if constexpr (kToFloat) {
                        if (first + r < k.rows) store_floats<kSimple>(row, c, k.channels, results);
                    } else {
                        uint32_t word = !kSimple && k.quantizer.plain ? k.quantizer.quantized<true>(results)
                                                                      : k.quantizer.quantized<false>(results);
                        if (!kSimple) word &= first_bytes(k.channels - c);
                        if (first + r < k.rows) store_word<kSimple>(row, c, k.y_stride, word);
                    }
                }
            }
        }
        if constexpr (!kSimple && !kToFloat)
            for (int c = (k.channels + 3) / 4 * 4 + thread * 4; c < k.y_stride; c += kWarpChannels)
                for (int r = 0; r < kRows && first + r < k.rows; ++r)
                    store_word<false>(y + (first + r) * k.y_stride, c, k.y_stride, 0);
    }
}

template <int kRows, bool kSimple, bool kNarrow, typename Source, typename Y>
cudaError_t launch_rows(Normalization k, const Source& source, const float* gamma, const float* beta, Y* y,
                        cudaStream_t stream) {
    const int64_t width = ceil_div(k.x_stride, kWarpChannels) * kWarpChannels;
    k.staged = static_cast<int>(std::min<int64_t>(width, kMostStaged<kRows>));
    k.pitch = k.staged + kLanes;  // the chains of several rows are in different banks
    return launch_dependent(normalize_rows<kRows, kSimple, kNarrow, Source, Y>, ceil_div(k.rows, kRows), 32,
                            kRows * k.pitch * sizeof(float), stream, k, source, gamma, beta, y);
}

// Of eight channels and more. words: all rows of the source are aligned.
template <typename Source, typename Y>
cudaError_t launch_normalize_rows(const Normalization& k, bool words, const Source& source,
                                  const float* gamma, const float* beta, Y* y, cudaStream_t stream) {
    const bool is_simple = words && k.channels % 4 == 0 && k.x_stride == k.channels &&
                           k.y_stride == k.channels && aligned(y, 4 * sizeof(Y)) &&
                           aligned(gamma, sizeof(float4)) && aligned(beta, sizeof(float4)) &&
                           !k.quantizer.plain;
    if (!is_simple || k.channels > kMostStaged<1>)
        return launch_rows<1, false, false>(k, source, gamma, beta, y, stream);
    // Few rows: a warp to each is sooner done, though most threads have no part in the sums of squares.
    constexpr int kMany = 4;
    const int64_t few = int64_t{8} * current_gpu().multiprocessors;
    if (k.rows <= few || k.channels > kMostStaged<kMany>)
        return launch_rows<1, true, false>(k, source, gamma, beta, y, stream);
    if (k.channels <= 2 * kWarpChannels)
        return launch_rows<kMany, true, true>(k, source, gamma, beta, y, stream);
    return launch_rows<kMany, true, false>(k, source, gamma, beta, y, stream);
}

}  // namespace qudnn::kernels
