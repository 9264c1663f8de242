// 1x1 convolutions in float32 of images of one pixel.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/common/float_activation.h"

namespace qudnn::kernels {

// x [n,c], w [k,c], bias [k] -> y [n,k], all float32: f(sum(x * w) + bias). Products are added by fused
// multiply-adds, those of every 32nd channel first.
cudaError_t float_pointwise(int64_t n, int64_t c, int64_t k, const FloatActivation& f, const float* x,
                            const float* w, const float* bias, float* y, cudaStream_t stream);

}  // namespace qudnn::kernels
