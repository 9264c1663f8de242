#include "kernels/mul.h"

#include "kernels/binary.cuh"

namespace qudnn::kernels {
namespace {

struct Mul {
    float ratio, zero_point;
    float low, high;
    float a_origin, b_origin;  // of bytes + offset - zero point
    uint32_t flip;             // results to int8: xor of the sign bits
    bool large;                // values may leave int32

    explicit Mul(const MulScales& s)
        : ratio(divide(multiply(s.a_scale, s.b_scale), s.y_scale)),
          zero_point(static_cast<float>(s.y_zero_point)),
          low(static_cast<float>(s.offset - 128)),
          high(static_cast<float>(s.offset + 127)),
          a_origin(byte_origin(s.a_zero_point - s.offset)),
          b_origin(byte_origin(s.b_zero_point - s.offset)),
          flip(splat(s.offset)),
          large(!(65025.0 * std::abs(ratio) + 255 < 2e9)) {}  // or NaN

    __device__ float value(uint32_t biased_a, uint32_t biased_b, uint32_t i) const {
        const float a = byte_to_float(biased_a, i, a_origin), b = byte_to_float(biased_b, i, b_origin);
        return plus(multiply(multiply(a, b), ratio), zero_point);  // a * b is exact
    }
    __device__ uint32_t rounded(float value) const { return round_to_byte(fminf(fmaxf(value, low), high)); }

    __device__ uint32_t word(uint32_t a, uint32_t b) const {
        a ^= kByteBias;
        b ^= kByteBias;
        uint32_t y[4];
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) y[i] = rounded(value(a, b, i));
        return pack(y[0], y[1], y[2], y[3]) ^ flip;
    }
    // Beyond int32's range x86's conversion, and so the specification, gives the lowest number.
    __device__ uint32_t element(uint32_t a, uint32_t b) const {
        const float v = value(a ^ kByteBias, b ^ kByteBias, 0);
        return rounded(v >= 2147483648.0f ? low : v) ^ flip;
    }
};

}  // namespace

cudaError_t mul(const Broadcast& g, const MulScales& scales, const int8_t* a, const int8_t* b, int8_t* y,
                cudaStream_t stream) {
    return binary(g, Mul(scales), a, b, y, stream);
}

}  // namespace qudnn::kernels
