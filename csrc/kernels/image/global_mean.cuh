// The mean over all pixels in the order of additions of onnxruntime's GlobalAveragePool (1.31, MLAS'
// pooling.cpp, MlasPoolGlobalKernel): pixels go to four sums in turn, as far as there are four, then
// (s[0] + s[2]) + (s[1] + s[3]), then the pixels left.
#pragma once

#include "kernels/common/common.cuh"

namespace qudnn::kernels {

constexpr int kMeanChannels = 32;  // of a block
constexpr int kMeanSums = 4;       // a warp each

// The mean of a channel to the first warp's thread of that channel; the others get what does not count. real:
// the number of a pixel, taken if `valid`. Threads of a block: [kMeanSums][kMeanChannels], all of them call.
template <typename Real>
__device__ float global_mean(int64_t hw, bool valid, const Real& real) {
    __shared__ float sums[kMeanSums][kMeanChannels];
    const int64_t in_fours = hw / kMeanSums * kMeanSums;
    float sum = 0;
    if (valid) {
#pragma unroll 8
        for (int64_t pixel = threadIdx.y; pixel < in_fours; pixel += kMeanSums) sum = plus(sum, real(pixel));
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    float total = 0;
    if (threadIdx.y == 0 && valid) {
        total = plus(plus(sums[0][threadIdx.x], sums[2][threadIdx.x]),
                     plus(sums[1][threadIdx.x], sums[3][threadIdx.x]));
        for (int64_t pixel = in_fours; pixel < hw; ++pixel) total = plus(total, real(pixel));
    }
    __syncthreads();  // before the next image's sums
    return divide(total, static_cast<float>(hw));
}

// What becomes of a mean.
struct MeanToInt8 {
    using Type = int8_t;
    float y_scale;
    OutputRange range;
    __device__ int8_t operator()(float mean) const {
        return static_cast<int8_t>(quantize(divide(mean, y_scale), range));
    }
};
struct MeanToFloat {
    using Type = float;
    __device__ float operator()(float mean) const { return mean; }
};

}  // namespace qudnn::kernels
