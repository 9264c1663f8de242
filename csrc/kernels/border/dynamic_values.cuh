// The float32 function of the input that is quantized dynamically.
#pragma once

#include "kernels/common/common.cuh"

namespace qudnn::kernels {

struct Identity {
    __device__ float operator()(float x) const { return x; }
};

// erf within 3 * 2^-23, in half as many instructions as erff(), because there is only one range: 1 - 2^-(z *
// p(z)) for z = |x|, where p approximates -log2(1 - erf(z)) / z up to 4.1; beyond that the result is 1.
__device__ inline float error_function(float x) {
    constexpr float kCoefficients[] = {
        4.535859989118762e-05f, -0.0004455076705198735f, 0.0014894417254254222f, 0.0007746294722892344f,
        -0.02825368009507656f,  0.14848162233829498f,    0.9184163808822632f,    1.6279085874557495f};
    const float z = fabsf(x);
    float p = kCoefficients[0];
#pragma unroll
    for (int i = 1; i < 8; ++i) p = fused_multiply_add(p, z, kCoefficients[i]);
    return copysignf(plus(1.0f, -power_of_two(-multiply(p, z))), x);
}

struct Gelu {
    float factor;

    __device__ float operator()(float x) const {
        return multiply(multiply(x, plus(1.0f, error_function(multiply(x, factor)))), 0.5f);
    }
};

template <typename Values>
__device__ float4 values_of(const Values& values, const float4& x) {
    return {values(x.x), values(x.y), values(x.z), values(x.w)};
}

}  // namespace qudnn::kernels
