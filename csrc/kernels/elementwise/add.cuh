// The formula of add.h.
#pragma once

#include "kernels/elementwise/binary.cuh"

namespace qudnn::kernels {

struct Add {
    float ra, rb, f;
    float origin;  // of bytes + offset

    explicit Add(const BinaryScales& s)
        : ra(divide(s.a_scale, s.y_scale)),
          rb(divide(s.b_scale, s.y_scale)),
          f(plus(static_cast<float>(s.y_zero_point),
                 -fused_multiply_add(static_cast<float>(s.a_zero_point), ra,
                                     multiply(rb, static_cast<float>(s.b_zero_point))))),
          origin(byte_origin(-s.offset)) {}

    double bound() const { return 255.0 * std::abs(ra) + 255.0 * std::abs(rb) + std::abs(f); }

    __device__ float value(uint32_t biased_a, uint32_t biased_b, uint32_t i) const {
        const float a = byte_to_float(biased_a, i, origin), b = byte_to_float(biased_b, i, origin);
        return fused_multiply_add(a, ra, fused_multiply_add(b, rb, f));
    }
};

}  // namespace qudnn::kernels
