// The kernels of normalize_to_island.h. A Source gives what is normalized, all in float32:
//   float one(int64_t row, int c) const    channel c
//   Item load(int64_t row, int c) const    what channels c to c + 3 are made of, where all rows are aligned
//   float4 four(Item item) const           those channels
//   bool vectors() const                   whether all rows are
#pragma once

#include "kernels/norm/kept_rows.cuh"
#include "kernels/norm/row_mean.cuh"
#include "kernels/norm/to_island.cuh"

namespace qudnn::kernels {

constexpr int kWarpRows = 32 / kLanes;
constexpr int kToIslandWarps = 2;  // of a block: what they stage fits many blocks on a multiprocessor

// Brings the rows of a warp to shared memory, and to `total`. In the place of rows that are missing is the
// last one.
template <typename Source>
__device__ void stage_rows(const ToIsland& k, const Source& source, int64_t first, float* staged) {
    const auto row = [&](int r) { return min(first + r, k.rows - 1); };
    if (!k.vectors) {
        for (int c = threadIdx.x % 32; c < k.channels; c += 32)
#pragma unroll
            for (int r = 0; r < kWarpRows; ++r) {
                const float v = source.one(row(r), c);
                staged[r * k.staged_stride + c] = v;
                if (k.total != nullptr) k.total[row(r) * k.channels + c] = v;
            }
        return;
    }
#pragma unroll 1
    for (int c = threadIdx.x % 32 * 4; c < k.channels; c += 32 * 4) {
        typename Source::Item items[kWarpRows];  // whose loads are under way together
#pragma unroll
        for (int r = 0; r < kWarpRows; ++r) items[r] = source.load(row(r), c);
#pragma unroll
        for (int r = 0; r < kWarpRows; ++r) {
            const float4 v = source.four(items[r]);
            *reinterpret_cast<float4*>(staged + r * k.staged_stride + c) = v;
            if (k.total != nullptr) *reinterpret_cast<float4*>(k.total + row(r) * k.channels + c) = v;
        }
    }
}

template <typename Value>
__device__ float squares_of_values(int channels, int lane, float mean, Value value) {
    float squares = 0;
#pragma unroll 8
    for (int c = lane; c < channels / kLanes * kLanes; c += kLanes) {
        const float difference = plus(value(c), -mean);
        squares = fused_multiply_add(difference, difference, squares);
    }
    return with_last_squares(sum_of_lanes(squares), channels, mean, value);
}

// Four rows to a warp, which stages them in shared memory; kStaged false: reads them three times.
template <bool kStaged, typename Source>
__global__ void __launch_bounds__(kToIslandWarps * 32)
    normalize_to_island(const __grid_constant__ ToIsland k, const __grid_constant__ Source source) {
    extern __shared__ float4 shared[];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float* staged = reinterpret_cast<float*>(shared) + warp * kWarpRows * k.staged_stride;
    const int64_t step = int64_t{gridDim.x} * (blockDim.x / 32) * kWarpRows;
    for (int64_t first = (int64_t{blockIdx.x} * (blockDim.x / 32) + warp) * kWarpRows; first < k.rows;
         first += step) {
        __syncwarp();  // with the rows before
        if constexpr (kStaged) stage_rows(k, source, first, staged);
        __syncwarp();
        const int mine = static_cast<int>(min(int64_t{lane / kLanes}, k.rows - 1 - first));
        const auto value = [&](int r, int c) {
            if constexpr (kStaged) return staged[r * k.staged_stride + c];
            return source.one(first + r, c);
        };
        const auto my_value = [&](int c) { return value(mine, c); };
        const float my_mean = mean_of_sum(ordered_sum(k.channels, lane % kLanes, my_value), k.channels);
        const float squares = squares_of_values(k.channels, lane % kLanes, my_mean, my_value);
        const float my_inverse = divide(1.0f, deviation(squares, k.channels, k.epsilon));
        float mean[kWarpRows], inverse[kWarpRows];
#pragma unroll
        for (int r = 0; r < kWarpRows; ++r) {
            mean[r] = __shfl_sync(kAll, my_mean, r * kLanes);
            inverse[r] = __shfl_sync(kAll, my_inverse, r * kLanes);
        }
        for (int c = lane * 4; c < k.channels; c += 32 * 4) {
            float gamma[4], beta[4];
            load_four(gamma, k.gamma, c, k.channels, k.vectors);
            load_four(beta, k.beta, c, k.channels, k.vectors);
#pragma unroll
            for (int r = 0; r < kWarpRows; ++r) {
                if (first + r >= k.rows) break;
                float normalized[4];
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const float v = c + i < k.channels ? value(r, c + i) : 0.0f;
                    if (!kStaged && k.total != nullptr && c + i < k.channels)
                        k.total[(first + r) * k.channels + c + i] = v;
                    normalized[i] =
                        fused_multiply_add(multiply(plus(v, -mean[r]), inverse[r]), gamma[i], beta[i]);
                }
                k.store(first + r, c, normalized);
            }
        }
        for (int r = 0; r < kWarpRows && first + r < k.rows; ++r) k.fill(first + r, lane, 32);
    }
}

// Fewer than 8 channels, a thread to a row.
template <typename Source>
__global__ void __launch_bounds__(kThreads)
    normalize_short_rows_to_island(const __grid_constant__ ToIsland k,
                                   const __grid_constant__ Source source) {
    for (int64_t row = int64_t{blockIdx.x} * kThreads + threadIdx.x; row < k.rows;
         row += int64_t{gridDim.x} * kThreads) {
        const int64_t start = row * k.channels;
        normalize_short_row(
            k.channels, k.epsilon, k.gamma, k.beta, [&](int c) { return source.one(row, c); },
            [&](int c, float normalized) {
                k.q[row * k.q_stride + c] = static_cast<int8_t>(k.quantized(normalized));
                if (k.y != nullptr) k.y[start + c] = normalized;
                if (k.total != nullptr) k.total[start + c] = source.one(row, c);
            });
        k.fill(row, 0, 1);
    }
}

template <typename Source>
cudaError_t launch_to_island(const ToIslandGeometry& g, const ToIslandScales& s, const Source& source,
                             const float* gamma, const float* beta, int8_t* q, const FloatResults& results,
                             cudaStream_t stream) {
    if (g.rows * g.channels == 0) return cudaSuccess;
    if (!fits(g)) return cudaErrorInvalidValue;
    ToIsland k(g, s, source.vectors(), gamma, beta, q, results);
    // 8 more than a multiple of 32: the threads of four rows find their channels in different banks.
    const int64_t staged_stride = ceil_div(g.channels, 32) * 32 + 8;
    k.staged_stride = static_cast<int>(staged_stride);
    if (g.channels < kLanes)
        return launch(normalize_short_rows_to_island<Source>, ceil_div(g.rows, kThreads), kThreads, stream, k,
                      source);
    if (k.vectors && !k.quantizer.plain && g.channels <= kMostKept && narrow(g.rows))
        return launch_kept_rows(k, source, stream);
    constexpr int64_t kStagedBytes = 48 << 10;  // of a block, without asking for more
    const int64_t bytes = kWarpRows * staged_stride * static_cast<int64_t>(sizeof(float));
    const int warps = kToIslandWarps * bytes <= kStagedBytes ? kToIslandWarps : 1;
    const int64_t blocks = ceil_div(g.rows, warps * kWarpRows);
    if (bytes <= kStagedBytes)
        return launch_with(normalize_to_island<true, Source>, blocks, warps * 32, warps * bytes, stream, k,
                           source);
    return launch(normalize_to_island<false, Source>, blocks, warps * 32, stream, k, source);
}

}  // namespace qudnn::kernels
