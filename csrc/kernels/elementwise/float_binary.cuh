// The formulas of float_binary.h.
#pragma once

#include "kernels/elementwise/elementwise.cuh"
#include "kernels/elementwise/float_binary.h"

namespace qudnn::kernels {

// A tensor's bytes, each + 128, as real numbers.
struct Real {
    float origin, scale;

    Real(int zero_point, float scale) : origin(byte_origin(zero_point)), scale(scale) {}
    __device__ float operator()(uint32_t biased, uint32_t i) const {
        return multiply(byte_to_float(biased, i, origin), scale);
    }
};

struct FloatSum {
    __device__ static float of(float a, float b) { return plus(a, b); }
};

struct FloatMul {
    __device__ static float of(float a, float b) { return multiply(a, b); }
};

struct FloatQuotient {
    __device__ static float of(float a, float b) { return divide(a, b); }
};

// An elementwise operator, see elementwise.cuh.
template <typename Operation>
struct FloatBinary {
    static constexpr int kOperands = 2;
    static constexpr bool large = false;  // quantize() takes any number
    Real a, b;
    float scale;
    OutputRange range;

    explicit FloatBinary(const BinaryScales& s, Limits limits = {})
        : a(s.a_zero_point, s.a_scale),
          b(s.b_zero_point, s.b_scale),
          scale(s.y_scale),
          range(s.y_zero_point, limits.low, limits.high) {}

    __device__ uint32_t word(const uint32_t (&v)[2]) const {
        return pack(byte(v, 0), byte(v, 1), byte(v, 2), byte(v, 3));
    }
    __device__ uint32_t element(const uint32_t (&v)[2]) const { return byte(v, 0); }

  private:
    __device__ uint32_t byte(const uint32_t (&v)[2], uint32_t i) const {
        const float real = Operation::of(a(v[0] ^ kByteBias, i), b(v[1] ^ kByteBias, i));
        return quantize(divide(real, scale), range);
    }
};

}  // namespace qudnn::kernels
