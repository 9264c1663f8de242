// Division by a float32 that many numbers share.
#pragma once

#include "kernels/common.cuh"

namespace qudnn::kernels {

// With the rounded reciprocal, one correction brings the quotient within a unit of its last place, and the
// next one rounds it correctly (Markstein). Holds as long as no step leaves float32's range: what is divided
// has to be finite, and what is so small that remainders vanish gives a quotient below 2^-20.
struct FloatDivisor {
    float value, reciprocal;

    __host__ __device__ explicit FloatDivisor(float divisor)
        : value(divisor), reciprocal(divide(1.0f, divisor)) {}

    __device__ float quotient(float dividend) const {
        const float estimate = corrected(dividend, multiply(dividend, reciprocal));
        return corrected(dividend, estimate);
    }

  private:
    __device__ float corrected(float dividend, float quotient) const {
        return fused_multiply_add(fused_multiply_add(-quotient, value, dividend), reciprocal, quotient);
    }
};

}  // namespace qudnn::kernels
