#include "kernels/norm/add_rms_normalization.h"

#include "kernels/norm/dequantized_rows.cuh"
#include "kernels/norm/to_island.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kChainRows = 8;            // of a warp, a thread adds up each
constexpr int kChunk = 4 * 128;          // channels of a row that lie in shared memory at a time
constexpr int kChainPitch = kChunk + 4;  // four channels of each row are in different banks

// Brings the squares of channels `start` to `end` of a warp's rows to shared memory, and the channels to
// `total`. In the place of rows that are missing is the last one.
template <typename Source>
__device__ void stage_squares(const ToIsland& k, const Source& source, int64_t first, int start, int end,
                              float* staged) {
    const auto row = [&](int r) { return min(first + r, k.rows - 1); };
    if (!k.vectors) {
        for (int c = start + static_cast<int>(threadIdx.x); c < end; c += 32)
#pragma unroll
            for (int r = 0; r < kChainRows; ++r) {
                const float v = source.one(row(r), c);
                staged[r * kChainPitch + c - start] = multiply(v, v);
                if (k.total != nullptr) k.total[row(r) * k.channels + c] = v;
            }
        return;
    }
#pragma unroll 1
    for (int c = start + static_cast<int>(threadIdx.x) * 4; c < end; c += 32 * 4) {
        typename Source::Item items[kChainRows];  // whose loads are under way together
#pragma unroll
        for (int r = 0; r < kChainRows; ++r) items[r] = source.load(row(r), c);
#pragma unroll
        for (int r = 0; r < kChainRows; ++r) {
            const float4 v = source.four(items[r]);
            *reinterpret_cast<float4*>(staged + r * kChainPitch + c - start) = {
                multiply(v.x, v.x), multiply(v.y, v.y), multiply(v.z, v.z), multiply(v.w, v.w)};
            if (k.total != nullptr) *reinterpret_cast<float4*>(k.total + row(r) * k.channels + c) = v;
        }
    }
}

// `sum` with `count` values added to it, one by one.
__device__ float added_in_order(float sum, const float* values, int count) {
    int i = 0;
#pragma unroll 8
    for (; i + 4 <= count; i += 4) {
        const float4 four = *reinterpret_cast<const float4*>(values + i);
        sum = plus(plus(plus(plus(sum, four.x), four.y), four.z), four.w);
    }
#pragma unroll 1
    for (; i < count; ++i) sum = plus(sum, values[i]);
    return sum;
}

template <typename Source>
__device__ void load_sum(float (&values)[4], const ToIsland& k, const Source& source, int64_t row, int c) {
    if (k.vectors) {
        const float4 four = source.four(source.load(row, c));
        values[0] = four.x, values[1] = four.y, values[2] = four.z, values[3] = four.w;
        return;
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) values[i] = c + i < k.channels ? source.one(row, c + i) : 0.0f;
}

// A warp to eight rows, which it reads twice.
template <typename Source>
__global__ void __launch_bounds__(32)
    normalize_by_squares(const __grid_constant__ ToIsland k, const __grid_constant__ Source source) {
    __shared__ __align__(16) float staged[kChainRows * kChainPitch];
    const int lane = threadIdx.x;
    for (int64_t first = int64_t{blockIdx.x} * kChainRows; first < k.rows;
         first += int64_t{gridDim.x} * kChainRows) {
        float sum = 0;
        for (int start = 0; start < k.channels; start += kChunk) {
            const int end = min(start + kChunk, k.channels);
            __syncwarp();  // with those who read what was there
            stage_squares(k, source, first, start, end, staged);
            __syncwarp();
            if (lane < kChainRows) sum = added_in_order(sum, staged + lane * kChainPitch, end - start);
        }
        __syncwarp();
        const float my_divisor = deviation(sum, k.channels, k.epsilon);
        float divisor[kChainRows];
#pragma unroll
        for (int r = 0; r < kChainRows; ++r) divisor[r] = __shfl_sync(kAll, my_divisor, r);
        for (int c = lane * 4; c < k.channels; c += 32 * 4) {
            float gamma[4];
            load_four(gamma, k.gamma, c, k.channels, k.vectors);
#pragma unroll
            for (int r = 0; r < kChainRows; ++r) {
                if (first + r >= k.rows) break;
                float values[4];
                load_sum(values, k, source, first + r, c);
#pragma unroll
                for (int i = 0; i < 4; ++i) values[i] = multiply(divide(values[i], divisor[r]), gamma[i]);
                k.store(first + r, c, values);
            }
        }
        for (int r = 0; r < kChainRows && first + r < k.rows; ++r) k.fill(first + r, lane, 32);
    }
}

template <typename Source>
cudaError_t launch_rows(const ToIslandGeometry& g, const ToIslandScales& scales, const Source& source,
                        const float* gamma, int8_t* q, const FloatResults& results, cudaStream_t stream) {
    if (g.rows * g.channels == 0) return cudaSuccess;
    if (!fits(g)) return cudaErrorInvalidValue;
    const ToIsland k(g, scales, source.vectors(), gamma, nullptr, q, results);
    return launch(normalize_by_squares<Source>, ceil_div(g.rows, kChainRows), 32, stream, k, source);
}

}  // namespace

cudaError_t add_rms_normalization_to_island(const ToIslandGeometry& g, const ToIslandScales& scales,
                                            const DequantizedRows& x, const float* bias,
                                            const DequantizedRows& residual, const float* gamma, int8_t* q,
                                            const FloatResults& results, cudaStream_t stream) {
    const Total<Dequantized, true> total{Dequantized(x), bias, Dequantized(residual)};
    return launch_rows(g, scales, total, gamma, q, results, stream);
}

cudaError_t add_rms_normalization_to_island(const ToIslandGeometry& g, const ToIslandScales& scales,
                                            const DequantizedRows& x, const float* bias,
                                            const FloatRows& residual, const float* gamma, int8_t* q,
                                            const FloatResults& results, cudaStream_t stream) {
    const Total<Scaled, true> total{Dequantized(x), bias, Scaled(residual, static_cast<int>(g.channels))};
    return launch_rows(g, scales, total, gamma, q, results, stream);
}

}  // namespace qudnn::kernels
