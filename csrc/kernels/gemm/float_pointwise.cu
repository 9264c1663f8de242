#include "kernels/gemm/float_pointwise.h"

#include "kernels/common/common.cuh"
#include "kernels/common/float_activation.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kWarps = 4;   // of a block
constexpr int kImages = 4;  // that a warp reads a row of weights for

// A warp to an output channel of kImages images.
__global__ void __launch_bounds__(kWarps * 32)
    pointwise_of_pixels(int64_t count, int64_t n, int64_t c, int64_t k, FloatActivation f,
                        const float* __restrict__ x, const float* __restrict__ w,
                        const float* __restrict__ bias, float* __restrict__ y) {
    const int lane = threadIdx.x % 32;
    for (int64_t i = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32; i < count;
         i += int64_t{gridDim.x} * kWarps) {
        const int64_t group = i / k, output = i - group * k, first = group * kImages;
        const float* const row = w + output * c;
        float sums[kImages] = {};
        for (int64_t channel = lane; channel < c; channel += 32) {
            const float weight = row[channel];
#pragma unroll
            for (int image = 0; image < kImages; ++image) {
                if (first + image < n)
                    sums[image] = fused_multiply_add(x[(first + image) * c + channel], weight, sums[image]);
            }
        }
#pragma unroll
        for (int image = 0; image < kImages; ++image) {
            for (int other = 16; other > 0; other /= 2)
                sums[image] = plus(sums[image], __shfl_xor_sync(~0u, sums[image], other));
            if (lane == image && first + image < n)
                y[(first + image) * k + output] = activated(f, plus(sums[image], bias[output]));
        }
    }
}

}  // namespace

cudaError_t float_pointwise(int64_t n, int64_t c, int64_t k, const FloatActivation& f, const float* x,
                            const float* w, const float* bias, float* y, cudaStream_t stream) {
    if (n * k == 0) return cudaSuccess;
    const int64_t count = ceil_div(n, kImages) * k;
    return launch(pointwise_of_pixels, ceil_div(count, kWarps), kWarps * 32, stream, count, n, c, k, f, x, w,
                  bias, y);
}

}  // namespace qudnn::kernels
