// An elementwise operator (see elementwise.cuh) of a float32 formula in two tensors.
#pragma once

#include "kernels/elementwise/binary.h"
#include "kernels/elementwise/elementwise.cuh"

namespace qudnn::kernels {

// A Formula is made of BinaryScales and has
//   float value(uint32_t a, uint32_t b, uint32_t i) const   of byte i of both words, each byte + 128
//   double bound() const                                    no value is larger, nor smaller than its negative
template <typename Formula>
struct Binary {
    static constexpr int kOperands = 2;
    Formula formula;
    float low, high;
    uint32_t flip;  // results to int8: xor of the sign bits
    bool large;     // values may leave int32

    explicit Binary(const BinaryScales& s)
        : formula(s),
          low(static_cast<float>(s.offset - 128)),
          high(static_cast<float>(s.offset + 127)),
          flip(splat(s.offset)),
          large(!(formula.bound() < 2e9)) {}  // or NaN

    __device__ uint32_t word(const uint32_t (&v)[2]) const {
        const uint32_t a = v[0] ^ kByteBias, b = v[1] ^ kByteBias;
        uint32_t y[4];
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) y[i] = rounded(formula.value(a, b, i));
        return pack(y[0], y[1], y[2], y[3]) ^ flip;
    }
    // Beyond int32's range, x86's conversion gives the lowest number, and so does the specification.
    __device__ uint32_t element(const uint32_t (&v)[2]) const {
        const float value = formula.value(v[0] ^ kByteBias, v[1] ^ kByteBias, 0);
        return rounded(value >= 2147483648.0f ? low : value) ^ flip;
    }

  private:
    __device__ uint32_t rounded(float value) const { return round_to_byte(fminf(fmaxf(value, low), high)); }
};

}  // namespace qudnn::kernels
