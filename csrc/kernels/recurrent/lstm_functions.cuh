// The activations of an LSTM, as onnxruntime's CPU provider computes them (1.31: MLAS' logistic.cpp and
// tanh.cpp, rnn_activation_functors.h).
#pragma once

#include "kernels/common/common.cuh"
#include "kernels/recurrent/lstm.h"

namespace qudnn::kernels {

template <int kCount>
__device__ inline float polynomial(const float (&coefficients)[kCount], float x) {
    float y = coefficients[0];
#pragma unroll
    for (int i = 1; i < kCount; ++i) y = fused_multiply_add(y, x, coefficients[i]);
    return y;
}

__device__ inline float clamped(float x, float bound) { return fminf(fmaxf(x, -bound), bound); }

__device__ inline float lstm_sigmoid(float x) {
    constexpr float kAbove[] = {4.37031012579801e-11f, 1.15627324459942e-07f, 6.08574864600143e-05f,
                                8.51377133304701e-03f, 2.48287947061529e-01f};
    constexpr float kBelow[] = {6.10247389755681e-13f, 5.76102136993427e-09f, 6.29106785017040e-06f,
                                1.70198817374094e-03f, 1.16817656904453e-01f, 9.93151921023180e-01f};
    x = clamped(x, 18.0f);
    const float square = multiply(x, x);
    const float quotient = divide(multiply(polynomial(kAbove, square), x), polynomial(kBelow, square));
    return fminf(fmaxf(plus(quotient, 0.5f), 0.0f), 1.0f);
}

__device__ inline float lstm_tanh(float x) {
    constexpr float kAbove[] = {-2.76076847742355e-16f, 2.00018790482477e-13f, -8.60467152213735e-11f,
                                5.12229709037114e-08f,  1.48572235717979e-05f, 6.37261928875436e-04f,
                                4.89352455891786e-03f};
    constexpr float kBelow[] = {1.19825839466702e-06f, 1.18534705686654e-04f, 2.26843463243900e-03f,
                                4.89352518554385e-03f};
    x = clamped(x, 9.0f);
    const float square = multiply(x, x);
    return divide(multiply(polynomial(kAbove, square), x), polynomial(kBelow, square));
}

// Rounded from float64: what a C library has within one unit in the last place.
__device__ inline float rounded_exp(float x) { return static_cast<float>(exp(static_cast<double>(x))); }
__device__ inline float rounded_log(float x) { return static_cast<float>(log(static_cast<double>(x))); }

// The sigmoid that ScaledTanh is made of.
__device__ inline float logistic(float x) {
    if (x >= 0) return divide(1.0f, plus(1.0f, rounded_exp(-x)));
    const float e = rounded_exp(x);
    return divide(e, plus(1.0f, e));
}

__device__ inline float activate(const LstmActivation& a, float x) {
    switch (a.function) {
        case LstmFunction::sigmoid:
            return lstm_sigmoid(x);
        case LstmFunction::tanh:
            return lstm_tanh(x);
        case LstmFunction::relu:
            return x > 0 ? x : 0.0f;
        case LstmFunction::affine:
            return plus(multiply(a.alpha, x), a.beta);
        case LstmFunction::leaky_relu:
            return x >= 0 ? x : multiply(a.alpha, x);
        case LstmFunction::thresholded_relu:
            return x > a.alpha ? x : 0.0f;
        case LstmFunction::hard_sigmoid:
            return fminf(1.0f, fmaxf(0.0f, plus(multiply(a.alpha, x), a.beta)));
        case LstmFunction::softsign:
            return divide(x, plus(1.0f, fabsf(x)));
        case LstmFunction::scaled_tanh: {
            const float twice = multiply(2.0f, multiply(a.beta, x));
            return multiply(a.alpha, plus(multiply(2.0f, logistic(twice)), -1.0f));
        }
        case LstmFunction::elu:
            return x >= 0 ? x : multiply(a.alpha, plus(rounded_exp(x), -1.0f));
        default:
            return rounded_log(plus(1.0f, rounded_exp(x)));
    }
}

}  // namespace qudnn::kernels
