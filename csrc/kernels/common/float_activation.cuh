// What FloatActivation says, on the GPU.
#pragma once

#include "kernels/common/float_activation.h"
#include "kernels/common/sigmoid.cuh"

namespace qudnn::kernels {

__device__ inline float activated(const FloatActivation& f, float x) {
    return f.silu ? multiply(x, sigmoid(x)) : clamped(x, f.low, f.high);
}

}  // namespace qudnn::kernels
