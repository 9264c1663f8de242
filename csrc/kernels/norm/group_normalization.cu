#include "kernels/norm/group_normalization.h"

#include "kernels/common/common.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kLanes = 32;                // threads of a block side by side, a channel each
constexpr int kRows = kThreads / kLanes;  // pixels at a time
constexpr int64_t kMostPixels = 1 << 14;  // of a block: sums of a thread fit into 32 bits
constexpr int64_t kEnoughBlocks = 1 << 10;

// How the work is divided: a block takes up to `span` groups, of 32 channels or more, and `part` pixels.
struct Division {
    int64_t span, spans, part, parts;

    explicit Division(const GroupGeometry& g)
        : span(std::min(g.groups, ceil_div(kLanes, g.each))), spans(ceil_div(g.groups, span)) {
        const int64_t wanted = ceil_div(kEnoughBlocks, g.images * spans);
        part = std::clamp(ceil_div(g.pixels, wanted), int64_t{4 * kRows}, kMostPixels);
        parts = ceil_div(g.pixels, part);
    }
    int64_t blocks(const GroupGeometry& g) const { return g.images * spans * parts; }
};

// The part of an image that a block works on.
struct Part {
    int64_t image, first_channel, end_channel, first_pixel, end_pixel;
    bool is_last;  // of those beside each other

    __device__ Part(int64_t block, const GroupGeometry& g, const Division& d) {
        const int64_t row = block / d.spans, place = block - row * d.spans;
        image = row / d.parts;
        first_pixel = (row - image * d.parts) * d.part;
        end_pixel = min(first_pixel + d.part, g.pixels);
        first_channel = place * d.span * g.each;
        is_last = place == d.spans - 1;
        end_channel = is_last ? g.groups * g.each : first_channel + d.span * g.each;
    }
};

__global__ void __launch_bounds__(kThreads)
    sum_groups(int64_t blocks, GroupGeometry g, Division division, int zero_point,
               const int8_t* __restrict__ x, GroupSums* __restrict__ sums) {
    const int lane = threadIdx.x % kLanes, row = threadIdx.x / kLanes;
    for (int64_t block = blockIdx.x; block < blocks; block += gridDim.x) {
        const Part part(block, g, division);
        const int8_t* image = x + part.image * g.pixels * g.x_stride;
        // Of consecutive channels of one group that this thread has.
        int64_t group = -1;
        unsigned long long elements = 0, squares = 0;
        for (int64_t c = part.first_channel + lane; c < part.end_channel; c += kLanes) {
            if (c / g.each != group) {
                if (group >= 0) {
                    atomicAdd(&sums[part.image * g.groups + group].elements, elements);
                    atomicAdd(&sums[part.image * g.groups + group].squares, squares);
                }
                group = c / g.each;
                elements = squares = 0;
            }
            int total = 0;
            unsigned total_squares = 0;
#pragma unroll 8
            for (int64_t p = part.first_pixel + row; p < part.end_pixel; p += kRows) {
                const int d = image[p * g.x_stride + c] - zero_point;
                total += d;
                total_squares += static_cast<unsigned>(d * d);
            }
            elements += static_cast<unsigned long long>(static_cast<long long>(total));
            squares += total_squares;
        }
        // Where all threads of a warp have sums of one group, one of them adds.
        const int64_t first = __shfl_sync(~0u, group, 0);
        if (__all_sync(~0u, group == first)) {
            for (int other = 16; other > 0; other /= 2) {
                elements += __shfl_xor_sync(~0u, elements, other);
                squares += __shfl_xor_sync(~0u, squares, other);
            }
            if (lane != 0) group = -1;
        }
        if (group >= 0) {
            atomicAdd(&sums[part.image * g.groups + group].elements, elements);
            atomicAdd(&sums[part.image * g.groups + group].squares, squares);
        }
    }
}

// The float64 steps of group_normalization.h; the compiler contracts none of these.
struct Statistics {
    double mean, inverse;

    __device__ Statistics(const GroupSums& sums, double n, double scale, double epsilon, bool centered) {
        const double average = __ddiv_rn(static_cast<double>(static_cast<long long>(sums.elements)), n);
        const double square = __ddiv_rn(static_cast<double>(sums.squares), n);
        mean = __dmul_rn(average, centered ? 1.0 : 0.0);
        const double variance = fmax(__dsub_rn(square, __dmul_rn(mean, mean)), 0.0);
        const double real = __dadd_rn(__dmul_rn(variance, __dmul_rn(scale, scale)), epsilon);
        inverse = __ddiv_rn(scale, __dsqrt_rn(real));
    }
};

__global__ void __launch_bounds__(kThreads)
    normalize_groups(int64_t blocks, GroupGeometry g, Division division, NormalizationScales scales,
                     bool centered, const int8_t* __restrict__ x, const float* __restrict__ gamma,
                     const float* __restrict__ beta, const GroupSums* __restrict__ sums,
                     int8_t* __restrict__ y) {
    const int lane = threadIdx.x % kLanes, row = threadIdx.x / kLanes;
    const OutputRange range(scales.y_zero_point);
    const auto n = static_cast<double>(g.pixels * g.each);
    for (int64_t block = blockIdx.x; block < blocks; block += gridDim.x) {
        const Part part(block, g, division);
        const int8_t* source = x + part.image * g.pixels * g.x_stride;
        int8_t* target = y + part.image * g.pixels * g.y_stride;
        int64_t group = -1;
        double mean = 0, inverse = 0;
        for (int64_t c = part.first_channel + lane; c < part.end_channel; c += kLanes) {
            if (c / g.each != group) {
                group = c / g.each;
                const Statistics found(sums[part.image * g.groups + group], n, scales.x_scale, scales.epsilon,
                                       centered);
                mean = found.mean, inverse = found.inverse;
            }
            const double wide = __dmul_rn(gamma[c], inverse);
            const float factor = __double2float_rn(wide);
            const float term = __double2float_rn(__dsub_rn(beta[c], __dmul_rn(mean, wide)));
#pragma unroll 4
            for (int64_t p = part.first_pixel + row; p < part.end_pixel; p += kRows) {
                const auto d = static_cast<float>(source[p * g.x_stride + c] - scales.x_zero_point);
                const float value = divide(plus(multiply(d, factor), term), scales.y_scale);
                target[p * g.y_stride + c] = static_cast<int8_t>(quantize(value, range));
            }
        }
        if (!part.is_last) continue;
        for (int64_t c = g.groups * g.each + lane; c < g.y_stride; c += kLanes)
            for (int64_t p = part.first_pixel + row; p < part.end_pixel; p += kRows)
                target[p * g.y_stride + c] = 0;
    }
}

}  // namespace

cudaError_t group_normalization(const GroupGeometry& g, const NormalizationScales& scales, bool centered,
                                const int8_t* x, const float* gamma, const float* beta, GroupSums* sums,
                                int8_t* y, cudaStream_t stream) {
    if (g.images * g.pixels * g.channels() == 0) return cudaSuccess;
    const cudaError_t cleared =
        cudaMemsetAsync(sums, 0, static_cast<size_t>(g.images * g.groups) * sizeof(GroupSums), stream);
    if (cleared != cudaSuccess) return cleared;
    const Division division(g);
    const int64_t blocks = division.blocks(g);
    const cudaError_t summed =
        launch(sum_groups, blocks, kThreads, stream, blocks, g, division, scales.x_zero_point, x, sums);
    if (summed != cudaSuccess) return summed;
    return launch(normalize_groups, blocks, kThreads, stream, blocks, g, division, scales, centered, x, gamma,
                  beta, sums, y);
}

}  // namespace qudnn::kernels
