#include "kernels/add.h"

#include "kernels/binary.cuh"

namespace qudnn::kernels {
namespace {

struct Add {
    float ra, rb, f;
    float low, high;
    float origin;   // of bytes + offset
    uint32_t flip;  // results to int8: xor of the sign bits
    bool large;     // sums may leave int32

    explicit Add(const AddScales& s)
        : ra(divide(s.a_scale, s.y_scale)),
          rb(divide(s.b_scale, s.y_scale)),
          f(plus(static_cast<float>(s.y_zero_point),
                 -fused_multiply_add(static_cast<float>(s.a_zero_point), ra,
                                     multiply(rb, static_cast<float>(s.b_zero_point))))),
          low(static_cast<float>(s.offset - 128)),
          high(static_cast<float>(s.offset + 127)),
          origin(byte_origin(-s.offset)),
          flip(splat(s.offset)),
          large(!(255.0 * std::abs(ra) + 255.0 * std::abs(rb) + std::abs(f) < 2e9)) {}  // or NaN

    __device__ float sum(uint32_t biased_a, uint32_t biased_b, uint32_t i) const {
        const float a = byte_to_float(biased_a, i, origin), b = byte_to_float(biased_b, i, origin);
        return fused_multiply_add(a, ra, fused_multiply_add(b, rb, f));
    }
    __device__ uint32_t rounded(float value) const { return round_to_byte(fminf(fmaxf(value, low), high)); }

    __device__ uint32_t word(uint32_t a, uint32_t b) const {
        a ^= kByteBias;
        b ^= kByteBias;
        uint32_t y[4];
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) y[i] = rounded(sum(a, b, i));
        return pack(y[0], y[1], y[2], y[3]) ^ flip;
    }
    // Beyond int32's range x86's conversion, and so the specification, gives the lowest number.
    __device__ uint32_t element(uint32_t a, uint32_t b) const {
        const float value = sum(a ^ kByteBias, b ^ kByteBias, 0);
        return rounded(value >= 2147483648.0f ? low : value) ^ flip;
    }
};

}  // namespace

cudaError_t add(const Broadcast& g, const AddScales& scales, const int8_t* a, const int8_t* b, int8_t* y,
                cudaStream_t stream) {
    return binary(g, Add(scales), a, b, y, stream);
}

}  // namespace qudnn::kernels
