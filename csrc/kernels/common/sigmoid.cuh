// The sigmoid as onnxruntime's CPU provider computes it (1.31: MLAS' logistic.cpp).
#pragma once

#include "kernels/common/common.cuh"

namespace qudnn::kernels {

template <int kCount>
__device__ inline float polynomial(const float (&coefficients)[kCount], float x) {
    float y = coefficients[0];
#pragma unroll
    for (int i = 1; i < kCount; ++i) y = fused_multiply_add(y, x, coefficients[i]);
    return y;
}

// NaN stays, as in MLAS, whose vector instructions return the second operand then.
__device__ inline float clamped(float x, float least, float most) {
    x = x < least ? least : x;
    return x > most ? most : x;
}

__device__ inline float clamped(float x, float bound) { return clamped(x, -bound, bound); }

__device__ inline float sigmoid(float x) {
    constexpr float kAbove[] = {4.37031012579801e-11f, 1.15627324459942e-07f, 6.08574864600143e-05f,
                                8.51377133304701e-03f, 2.48287947061529e-01f};
    constexpr float kBelow[] = {6.10247389755681e-13f, 5.76102136993427e-09f, 6.29106785017040e-06f,
                                1.70198817374094e-03f, 1.16817656904453e-01f, 9.93151921023180e-01f};
    x = clamped(x, 18.0f);
    const float square = multiply(x, x);
    const float quotient = divide(multiply(polynomial(kAbove, square), x), polynomial(kBelow, square));
    return clamped(plus(quotient, 0.5f), 0.0f, 1.0f);
}

}  // namespace qudnn::kernels
