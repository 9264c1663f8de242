#include "kernels/dynamic_epilogue.h"

#include "kernels/common.cuh"

namespace qudnn::kernels {
namespace {

__global__ void __launch_bounds__(kThreads)
    dynamic_epilogue_kernel(int64_t k, const float* x_scale, const int8_t* x_zero_point,
                            const int32_t* __restrict__ w_sum, const float* __restrict__ w_scale,
                            int32_t* __restrict__ bias, float* __restrict__ multiplier) {
    const float scale = *x_scale;
    const auto minus_zero_point = static_cast<uint32_t>(-static_cast<int>(*x_zero_point));
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < k;
         i += int64_t{gridDim.x} * kThreads) {
        bias[i] = static_cast<int32_t>(minus_zero_point * static_cast<uint32_t>(w_sum[i]));
        multiplier[i] = multiply(scale, w_scale[i]);
    }
}

}  // namespace

cudaError_t dynamic_epilogue(int64_t k, const float* x_scale, const int8_t* x_zero_point,
                             const int32_t* w_sum, const float* w_scale, int32_t* bias, float* multiplier,
                             cudaStream_t stream) {
    if (k == 0) return cudaSuccess;
    return launch(dynamic_epilogue_kernel, ceil_div(k, kThreads), kThreads, stream, k, x_scale, x_zero_point,
                  w_sum, w_scale, bias, multiplier);
}

}  // namespace qudnn::kernels
