// Channels times what they are multiplied by, in squeeze_excitation.cuh.
#pragma once

#include "kernels/common/common.cuh"
#include "kernels/elementwise/binary.h"

namespace qudnn::kernels {

// x times a gate as QMul has it (kernels/elementwise/mul.cu), with fewer instructions. Numbers are below
// kMostProduct before they are rounded.
//
// A byte in bits 8 to 15 of 2^15 is a float, too, and what 0 looks like there takes 16 bits only: multiplied
// with a gate it is exact, and one FMA gives the exact product of byte and gate. Rounded numbers are packed
// as 16 bits before they are clamped.
struct GateProduct {
    static constexpr double kMostProduct = 32000;

    float ratio, zero_point, x_origin, rounding;
    int gate_origin;

    explicit GateProduct(const BinaryScales& s)
        : ratio(divide(multiply(s.a_scale, s.b_scale), s.y_scale)),
          zero_point(static_cast<float>(s.y_zero_point)),
          x_origin(static_cast<float>(32768 + 128 - s.offset + s.a_zero_point)),
          rounding(kRoundingShift + static_cast<float>(128 - s.offset)),
          gate_origin(s.b_zero_point - s.offset) {}

    // No number is larger before it is rounded.
    double bound() const { return 65025.0 * std::abs(ratio) + 255; }

    __device__ float gate(int quantized) const { return static_cast<float>(quantized - gate_origin); }
    // What gate() of a channel is to be accompanied by.
    __device__ float start(float gate) const { return -multiply(x_origin, gate); }

    __device__ uint32_t word(uint32_t x, const float (&gates)[4], const float (&starts)[4]) const {
        const uint32_t biased = x ^ kByteBias;
        uint32_t y[4];
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) {
            const float shifted = __uint_as_float(__byte_perm(biased, 0x47000000u, 0x7504u | i << 4));
            const float product = fused_multiply_add(shifted, gates[i], starts[i]);
            y[i] = float_bits(plus(plus(multiply(product, ratio), zero_point), rounding));
        }
        const uint32_t low = __vimin_s16x2_relu(__byte_perm(y[0], y[1], 0x5410), 0x00FF00FFu);
        const uint32_t high = __vimin_s16x2_relu(__byte_perm(y[2], y[3], 0x5410), 0x00FF00FFu);
        return __byte_perm(low, high, 0x6420) ^ kByteBias;
    }
};

}  // namespace qudnn::kernels
