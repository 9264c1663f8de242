// Layer normalization of many narrow rows, a tile of some at a time by each warp, which keeps them in
// registers. A row is shared by two threads, one for its even words and one for its odd words, so that each
// has four of the specification's eight chains of squares, or by several such pairs, one after the other in
// those chains. So the steps that a row takes once are taken for up to 16 rows at a time.
//
// A Source gives rows that are made of kInputs tensors:
//   const int8_t* input(int i) const
//   uint32_t word(const uint32_t (&v)[kInputs], const CenteredBytes& bytes, float (&centered)[4]) const
//     what a word of each makes; centered: its bytes less the zero point, which `bytes` knows
//   int8_t* total    that receives those words, or null
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/common/dependent_launch.cuh"
#include "kernels/common/gpu.h"
#include "kernels/norm/layer_normalization.h"
#include "kernels/norm/normalized_row.cuh"

namespace qudnn::kernels {

// byte_to_float() with a constant that the compiler does not know, so that it stays in a register. Otherwise
// each byte's selector is moved there anew, being the instruction's second constant.
struct CenteredBytes {
    uint32_t exponent = 0x4B000000u;
    float origin;

    explicit CenteredBytes(int zero_point) : origin(byte_origin(zero_point)) {}
    __device__ float biased(uint32_t word, uint32_t i) const {
        return plus(__uint_as_float(__byte_perm(word, exponent, 0x7440u | i)), -origin);
    }
    __device__ void of(uint32_t word, float (&centered)[4]) const {
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) centered[i] = biased(word ^ kByteBias, i);
    }
};

// Of rows of segments * 8 * kWords channels. A pair of threads has a segment of a row.
template <int kWords>
struct RowTiles {
    static_assert(kWords % 2 == 0);
    static constexpr int kWarps = 4;  // of a block
    // Blocks that share a multiprocessor, which bounds the registers.
    static constexpr int kBlocks = kWords <= 8 ? 8 : kWords <= 12 ? 6 : 5;
    static constexpr int kSegments = 16;                   // of a tile, which lie one after the other
    static constexpr int kBytes = kSegments * 8 * kWords;  // of a tile
    static constexpr int kPitch = 2 * kWords + 4;          // words between segments in shared memory
    static constexpr int kBuffer = kSegments * kPitch;     // words
    static constexpr int kParameters = 8 * kWords + 8;     // floats there between those of segments

    int64_t bytes;  // of the tensor
    int64_t tiles;
    int segments, channels;
    CenteredBytes x;
    float x_scale;
    int zero_points;  // the sum of a row's
    double scale, divisor, reciprocal;
    float epsilon;
    RowQuantizer quantizer;

    RowTiles(const NormalizationGeometry& g, const NormalizationScales& s)
        : bytes(g.rows * g.channels),
          tiles(ceil_div(bytes, kBytes)),
          segments(static_cast<int>(g.channels / (8 * kWords))),
          channels(static_cast<int>(g.channels)),
          x(s.x_zero_point),
          x_scale(s.x_scale),
          zero_points(channels * s.x_zero_point),
          scale(s.x_scale),
          divisor(channels),
          reciprocal(1 / divisor),
          epsilon(s.epsilon),
          quantizer(s.y_scale, s.y_zero_point) {}

    static constexpr size_t shared_bytes(int inputs, int segments) {
        return (2 * segments * kParameters + kWarps * (inputs + 1) * kBuffer) * size_t{4};
    }

    // Calls act(word of the buffer, byte of the tensor) for the vectors of 16 bytes of a tile that are this
    // thread's.
    template <typename Act>
    __device__ void each_vector(int lane, int64_t tile, Act act) const {
        constexpr int kVectors = kWords / 2;  // of a segment
#pragma unroll
        for (int vector = lane; vector < kSegments * kVectors; vector += 32) {
            const int64_t at = tile * kBytes + vector * 16;
            if (at < bytes) act(vector / kVectors * kPitch + vector % kVectors * 4, at);
        }
    }
    __device__ void fetch(uint32_t* buffer, const int8_t* x, int lane, int64_t tile) const {
        each_vector(lane, tile, [&](int word, int64_t at) { copy_once(buffer + word, x + at); });
    }
    __device__ void store(int8_t* y, const uint32_t* buffer, int lane, int64_t tile) const {
        each_vector(lane, tile, [&](int word, int64_t at) {
            *reinterpret_cast<uint4*>(y + at) = *reinterpret_cast<const uint4*>(buffer + word);
        });
    }
    // Where the parameters of all segments are.
    __device__ void fetch_parameters(uint32_t* shared, const float* parameters) const {
        for (int c = static_cast<int>(threadIdx.x) * 4; c < channels; c += kWarps * 32 * 4)
            copy_async<4>(shared + c + c / (8 * kWords) * (kParameters - 8 * kWords), parameters + c);
    }

    // Of sums over a row: those of its bytes, and what the rounding of the products with x_scale left out
    // (see ExactSum).
    __device__ float mean(int units, float excess) const {
        const double sum =
            __fma_rn(static_cast<double>(units - zero_points), scale, static_cast<double>(excess));
        // sum / divisor, correctly rounded: the divisor is too small for a quotient that lies so close to the
        // middle of two numbers that one correction would not do.
        const double quotient = __dmul_rn(sum, reciprocal);
        return static_cast<float>(__fma_rn(__fma_rn(-quotient, divisor, sum), reciprocal, quotient));
    }

    // Of the differences of this thread's values and the mean, in all threads of a row.
    __device__ float squares(const float (&differences)[4 * kWords], int lane) const {
        float sums[4] = {};
        // The sums of each row's first segment go on with those of the next one, while what the others have
        // had before does not matter.
        for (int segment = 1;; ++segment) {
#pragma unroll
            for (int i = 0; i < 4 * kWords; ++i)
                sums[i % 4] = fused_multiply_add(differences[i], differences[i], sums[i % 4]);
            if (segment == segments) break;
#pragma unroll
            for (float& sum : sums) sum = __shfl_up_sync(kAll, sum, 2);
        }
#pragma unroll
        for (float& sum : sums) sum = plus(sum, __shfl_xor_sync(kAll, sum, 1));
        const float sum = plus(plus(sums[0], sums[2]), plus(sums[1], sums[3]));
        return __shfl_sync(kAll, sum, lane | (2 * segments - 1));  // the last segment has it
    }
};

template <int kWords, typename Source>
__global__ void __launch_bounds__(RowTiles<kWords>::kWarps * 32, RowTiles<kWords>::kBlocks)
    normalize_row_tiles(const __grid_constant__ RowTiles<kWords> k, const __grid_constant__ Source source,
                        const float* __restrict__ gamma, const float* __restrict__ beta, int8_t* y) {
    using Tiles = RowTiles<kWords>;
    constexpr int kInputs = Source::kInputs;
    extern __shared__ __align__(16) uint32_t tiles_memory[];
    uint32_t* const scales = tiles_memory;
    uint32_t* const shifts = scales + k.segments * Tiles::kParameters;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    uint32_t* const inputs = shifts + k.segments * Tiles::kParameters + warp * (kInputs + 1) * Tiles::kBuffer;
    uint32_t* const output = inputs + kInputs * Tiles::kBuffer;
    const int mine = lane / 2 * Tiles::kPitch + lane % 2;  // the first of this thread's words in a buffer
    const int my_parameters = lane / 2 % k.segments * Tiles::kParameters + lane % 2 * 4;
    const auto fetch = [&](int64_t tile) {
#pragma unroll
        for (int i = 0; i < kInputs; ++i) k.fetch(inputs + i * Tiles::kBuffer, source.input(i), lane, tile);
        commit_copies();
    };

    let_next_kernel_start();
    k.fetch_parameters(scales, gamma);
    k.fetch_parameters(shifts, beta);
    wait_for_kernels_before();
    const int64_t step = int64_t{gridDim.x} * Tiles::kWarps;
    int64_t tile = int64_t{blockIdx.x} * Tiles::kWarps + warp;
    fetch(tile);
    wait_for_copies<0>();
    __syncthreads();
    for (; tile < k.tiles; tile += step) {
        wait_for_copies<0>();
        __syncwarp();
        int units = 0;
        float excess[2] = {};
        float values[4 * kWords];
#pragma unroll
        for (int w = 0; w < kWords; ++w) {
            uint32_t words[kInputs];
#pragma unroll
            for (int i = 0; i < kInputs; ++i) words[i] = inputs[i * Tiles::kBuffer + mine + 2 * w];
            float centered[4];
            const uint32_t word = source.word(words, k.x, centered);
            if (source.total != nullptr) output[mine + 2 * w] = word;
            units = __dp4a(static_cast<int>(word), 0x01010101, units);
#pragma unroll
            for (uint32_t i = 0; i < 4; ++i) {
                const float value = multiply(centered[i], k.x_scale);
                excess[i % 2] = plus(excess[i % 2], -fused_multiply_add(centered[i], k.x_scale, -value));
                values[4 * w + i] = value;
            }
        }
        __syncwarp();
        if (source.total != nullptr) {
            k.store(source.total, output, lane, tile);
            __syncwarp();
        }
        fetch(tile + step);

        float sum_excess = plus(excess[0], excess[1]);
        for (int other = 1; other < 2 * k.segments; other *= 2) {
            units += __shfl_xor_sync(kAll, units, other);
            sum_excess = plus(sum_excess, __shfl_xor_sync(kAll, sum_excess, other));
        }
        const float mean = k.mean(units, sum_excess);
#pragma unroll
        for (float& value : values) value = plus(value, -mean);
        const float squares = k.squares(values, lane);
        // One ahead, as the compiler does not move loads before stores.
        const auto parameters = [&](const uint32_t* all, int w) {
            return *reinterpret_cast<const float4*>(all + my_parameters + 8 * w);
        };
        float4 next_scale = parameters(scales, 0), next_shift = parameters(shifts, 0);
        const float inverse = divide(1.0f, deviation(squares, k.channels, k.epsilon));
#pragma unroll
        for (int w = 0; w < kWords; ++w) {
            const float4 scale = next_scale, shift = next_shift;
            if (w + 1 < kWords)
                next_scale = parameters(scales, w + 1), next_shift = parameters(shifts, w + 1);
            const auto result = [&](float difference, float scale, float shift) {
                return fused_multiply_add(multiply(difference, inverse), scale, shift);
            };
            const float results[4] = {
                result(values[4 * w], scale.x, shift.x), result(values[4 * w + 1], scale.y, shift.y),
                result(values[4 * w + 2], scale.z, shift.z), result(values[4 * w + 3], scale.w, shift.w)};
            output[mine + 2 * w] = k.quantizer.template quantized<false>(results);
        }
        __syncwarp();
        k.store(y, output, lane, tile);
    }
}

// Whether a row of so many channels is divided into segments of kWords.
template <int kWords>
constexpr bool has_segments(int64_t channels) {
    return channels == 8 * kWords || channels == 16 * kWords || channels == 32 * kWords;
}

template <int kWords, typename Source>
cudaError_t launch_row_tiles(const NormalizationGeometry& g, const NormalizationScales& s,
                             const Source& source, const float* gamma, const float* beta, int8_t* y,
                             cudaStream_t stream) {
    using Tiles = RowTiles<kWords>;
    const Tiles k(g, s);
    // Blocks stay for as many tiles as each has to take, and their parameters with them.
    const int64_t together = int64_t{Tiles::kWarps} * Tiles::kBlocks * current_gpu().multiprocessors;
    const int64_t rounds = ceil_div(k.tiles, together);
    return launch_dependent(normalize_row_tiles<kWords, Source>,
                            ceil_div(ceil_div(k.tiles, rounds), Tiles::kWarps), Tiles::kWarps * 32,
                            Tiles::shared_bytes(Source::kInputs, k.segments), stream, k, source, gamma, beta,
                            y);
}

// Whether launch_normalize_row_tiles() takes such rows. vectors: all of the source is aligned to 16 bytes.
inline bool are_row_tiles(const NormalizationGeometry& g, const NormalizationScales& s, bool vectors,
                          const float* gamma, const float* beta, const int8_t* y) {
    // Of few rows, each of which should have more threads.
    if (current_gpu().major < 8 || g.rows <= int64_t{8} * current_gpu().multiprocessors) return false;
    const bool dense = g.x_stride == g.channels && g.y_stride == g.channels;
    return dense && vectors && aligned(gamma, 16) && aligned(beta, 16) && aligned(y, 16) &&
           IntegerDivisor::takes(s.y_scale) &&
           (has_segments<4>(g.channels) || has_segments<12>(g.channels) || has_segments<16>(g.channels));
}

template <typename Source>
cudaError_t launch_normalize_row_tiles(const NormalizationGeometry& g, const NormalizationScales& s,
                                       const Source& source, const float* gamma, const float* beta, int8_t* y,
                                       cudaStream_t stream) {
    // As few threads to a row as registers allow.
    if (has_segments<12>(g.channels)) return launch_row_tiles<12>(g, s, source, gamma, beta, y, stream);
    if (has_segments<16>(g.channels)) return launch_row_tiles<16>(g, s, source, gamma, beta, y, stream);
    if (has_segments<8>(g.channels)) return launch_row_tiles<8>(g, s, source, gamma, beta, y, stream);
    return launch_row_tiles<4>(g, s, source, gamma, beta, y, stream);
}

}  // namespace qudnn::kernels
