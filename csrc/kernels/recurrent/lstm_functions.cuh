// The activations of an LSTM, as onnxruntime's CPU provider computes them (1.31: MLAS' logistic.cpp and
// tanh.cpp, rnn_activation_functors.h).
#pragma once

#include "kernels/common/sigmoid.cuh"
#include "kernels/recurrent/lstm.h"

namespace qudnn::kernels {

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
            return sigmoid(x);
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
