// Entries that compute the sum or product of two float32 tensors.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/border/border.h"

namespace qudnn::kernels {

// As BorderGeometry, with strides of each operand, which are 0 where it repeats.
template <int kOperands>
struct FloatEntryGeometry {
    int rank;
    int64_t inside[kMaxBorderRank];
    int64_t before[kMaxBorderRank];
    int64_t extent[kMaxBorderRank];
    int64_t stride[kOperands][kMaxBorderRank];
};

struct FloatEntry {
    float low, high;  // to which something is clipped; NaN stays
    float scale;
    int zero_point;
};

// One rounding after each float32 operation; NaN gives -128. Fill: zero_point.
//   y = saturate(rint(clip((a + bias) + b) / divisor / scale) + zero_point)
// operands: a, b, bias, divisor.
cudaError_t add_to_island(const FloatEntryGeometry<4>& g, const FloatEntry& entry,
                          const float* const (&operands)[4], int8_t* y, cudaStream_t stream);

// What an operand is before it is a factor.
struct FloatGate {
    enum Kind { kNone, kSigmoid, kHardSigmoid };
    Kind kind;
    float alpha, beta;
};

// y = saturate(rint(f(clip(a)) * h(b) / divisor / scale) + zero_point)
// operands: a, b, divisor. gelu: f(a) = 0.5 * a * (1 + erf(a / sqrt(2))), within 2^-20 relatively to a. h(b),
// of the gate, is b's sigmoid with the bits of onnxruntime's CPU provider, or clip(b * alpha + beta, 0, 1).
// Otherwise they are a and b.
cudaError_t mul_to_island(const FloatEntryGeometry<3>& g, const FloatEntry& entry, bool gelu,
                          const FloatGate& gate, const float* const (&operands)[3], int8_t* y,
                          cudaStream_t stream);

}  // namespace qudnn::kernels
