#include "kernels/softmax/softmax_to_island.h"

#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"
#include "kernels/common/row_reduction.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kWarps = 4;  // a row each

struct Scores {
    uint32_t rows;
    int rank;
    Divisor<uint32_t> extent[kMaxBroadcastRank];
    uint32_t mask_stride[kMaxBroadcastRank];  // of rows of the mask
    int channels, x_stride, y_stride;
    int64_t mask_channels;
    int mask_step;
    float factor, divisor, y_scale;
    OutputRange range;

    __device__ const float* mask_of(const float* mask, uint32_t row) const {
        uint32_t mask_row = 0;
        for (int d = rank - 1; d > 0; --d) mask_row += split(row, extent[d]) * mask_stride[d];
        return mask + (mask_row + row * mask_stride[0]) * mask_channels;
    }
    // Beyond the end minus infinity.
    __device__ float of(const float* x, const float* mask, int c) const {
        if (c >= channels) return -INFINITY;
        return plus(divide(multiply(x[c], factor), divisor), mask[int64_t{c} * mask_step]);
    }
};

__device__ float exponential_of(float x) { return power_of_two(multiply(x, 1.44269504f)); }

// Up to 32 * kKept channels stay in registers; kKept 0: they are computed anew for each step.
template <int kKept>
__global__ void __launch_bounds__(kWarps * 32)
    softmax_rows(const __grid_constant__ Scores k, const float* __restrict__ x,
                 const float* __restrict__ masks, int8_t* __restrict__ y) {
    const int lane = threadIdx.x % 32;
    for (int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32; row < k.rows;
         row += int64_t{gridDim.x} * kWarps) {
        const float* const scores = x + row * k.x_stride;
        const float* const mask = k.mask_of(masks, static_cast<uint32_t>(row));
        float kept[kKept > 0 ? kKept : 1];
        const auto for_channels = [&](int end, const auto& step) {
            if constexpr (kKept > 0) {
#pragma unroll
                for (int i = 0; i < kKept; ++i) step(lane + 32 * i, kept[i]);
            } else {
                for (int c = lane; c < end; c += 32) {
                    float r = k.of(scores, mask, c);
                    step(c, r);
                }
            }
        };
        if constexpr (kKept > 0) {
#pragma unroll
            for (int i = 0; i < kKept; ++i) kept[i] = k.of(scores, mask, lane + 32 * i);
        }
        float largest[1] = {-INFINITY}, sums[1] = {0};
        for_channels(k.channels, [&](int, float& r) { largest[0] = fmaxf(largest[0], r); });
        const float maximum = reduce_rows(largest, [](float a, float b) { return fmaxf(a, b); });
        for_channels(k.channels, [&](int, float& r) {
            r = exponential_of(plus(r, -maximum));
            sums[0] = plus(sums[0], r);
        });
        const float inverse = divide(1.0f, reduce_rows(sums, [](float a, float b) { return plus(a, b); }));
        const bool is_nan = inverse != inverse;
        int8_t* const target = y + row * k.y_stride;
        for_channels(k.y_stride, [&](int c, float& r) {
            if (c >= k.y_stride) return;
            if constexpr (kKept == 0) r = exponential_of(plus(r, -maximum));
            const uint32_t q = quantize(divide(multiply(r, inverse), k.y_scale), k.range);
            target[c] = static_cast<int8_t>(c >= k.channels ? 0 : is_nan ? 0x80u : q);
        });
    }
}

}  // namespace

cudaError_t softmax_to_island(const MaskedSoftmaxGeometry& g, const ScoreScales& s, const float* x,
                              const float* mask, int8_t* y, cudaStream_t stream) {
    constexpr int kRoom = 2048;  // for the last step of a row's loops
    const int64_t rows = g.rows.count();
    if (rows * g.channels == 0) return cudaSuccess;
    if (!narrow(rows) || !narrow(g.x_stride + kRoom) || !narrow(g.y_stride + kRoom))
        return cudaErrorInvalidValue;
    Scores k{.rows = static_cast<uint32_t>(rows),
             .rank = g.rows.rank,
             .extent = {},
             .mask_stride = {},
             .channels = static_cast<int>(g.channels),
             .x_stride = static_cast<int>(g.x_stride),
             .y_stride = static_cast<int>(g.y_stride),
             .mask_channels = g.mask_channels,
             .mask_step = g.mask_channels == 1 ? 0 : 1,
             .factor = s.factor,
             .divisor = s.divisor,
             .y_scale = s.y_scale,
             .range = OutputRange(s.y_zero_point)};
    for (int d = 0; d < g.rows.rank; ++d) {
        k.extent[d] = Divisor<uint32_t>(g.rows.extent[d]);
        k.mask_stride[d] = static_cast<uint32_t>(g.rows.stride[0][d]);
    }
    const auto kernel = g.y_stride <= 128    ? softmax_rows<4>
                        : g.y_stride <= 256  ? softmax_rows<8>
                        : g.y_stride <= 512  ? softmax_rows<16>
                        : g.y_stride <= 1024 ? softmax_rows<32>
                                             : softmax_rows<0>;
    return launch(kernel, ceil_div(rows, kWarps), kWarps * 32, stream, k, x, mask, y);
}

}  // namespace qudnn::kernels
