#include "kernels/elementwise/mul.h"

#include "kernels/elementwise/binary.cuh"

namespace qudnn::kernels {
namespace {

struct Mul {
    float ratio, zero_point;
    float a_origin, b_origin;  // of bytes + offset - zero point

    explicit Mul(const BinaryScales& s)
        : ratio(divide(multiply(s.a_scale, s.b_scale), s.y_scale)),
          zero_point(static_cast<float>(s.y_zero_point)),
          a_origin(byte_origin(s.a_zero_point - s.offset)),
          b_origin(byte_origin(s.b_zero_point - s.offset)) {}

    double bound() const { return 65025.0 * std::abs(ratio) + 255; }

    __device__ float value(uint32_t biased_a, uint32_t biased_b, uint32_t i) const {
        const float a = byte_to_float(biased_a, i, a_origin), b = byte_to_float(biased_b, i, b_origin);
        return plus(multiply(multiply(a, b), ratio), zero_point);  // a * b is exact
    }
};

}  // namespace

cudaError_t mul(const Broadcast<2>& g, const BinaryScales& scales, const int8_t* a, const int8_t* b,
                int8_t* y, cudaStream_t stream) {
    return elementwise(g, Binary<Mul>(scales), {{a, b}}, y, stream);
}

}  // namespace qudnn::kernels
