// What the epilogue of a product takes whose x was quantized dynamically.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace qudnn::kernels {

// For each of k output channels: bias = -x_zero_point * w_sum, wrapping, and multiplier = x_scale * w_scale.
// All on the GPU.
cudaError_t dynamic_epilogue(int64_t k, const float* x_scale, const int8_t* x_zero_point,
                             const int32_t* w_sum, const float* w_scale, int32_t* bias, float* multiplier,
                             cudaStream_t stream);

}  // namespace qudnn::kernels
