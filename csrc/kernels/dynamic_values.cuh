// What is quantized dynamically, from what is read, in float32.
#pragma once

#include "kernels/common.cuh"

namespace qudnn::kernels {

struct Identity {
    __device__ float operator()(float x) const { return x; }
};

struct Gelu {
    float factor;

    __device__ float operator()(float x) const {
        return multiply(multiply(x, plus(1.0f, erff(multiply(x, factor)))), 0.5f);
    }
};

template <typename Values>
__device__ float4 values_of(const Values& values, const float4& x) {
    return {values(x.x), values(x.y), values(x.z), values(x.w)};
}

}  // namespace qudnn::kernels
