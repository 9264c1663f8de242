// Division of many numbers by one float32.
#pragma once

#include "kernels/common/common.cuh"

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

// For quotients up to 2^9 that are then rounded to integers, in two instructions: the reciprocal as the sum
// of two floats (Brisebarre, Muller, Raina). Before its own rounding a quotient is wrong by less than 2^-47
// of it, so that few dividends can give a float next to the right one. Of those none makes another integer:
// tried for every significand of a divisor between 1e-30 and 1e30.
struct IntegerDivisor {
    static constexpr float kMostQuotient = 512;

    float value, high, low;

    __host__ __device__ explicit IntegerDivisor(float divisor)
        : value(divisor),
          high(divide(1.0f, divisor)),
          low(divide(fused_multiply_add(-high, divisor, 1.0f), divisor)) {}  // the remainder is exact

    __host__ __device__ static bool takes(float divisor) { return divisor > 1e-30f && divisor < 1e30f; }

    __device__ float quotient(float dividend) const {
        return fused_multiply_add(dividend, high, multiply(dividend, low));
    }
};

}  // namespace qudnn::kernels
