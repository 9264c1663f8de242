// Dynamic quantization: scale and zero point follow from the range of the values, without leaving the GPU.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/border/border.h"

namespace qudnn::kernels {

// The least and the greatest of some values, and 0.
struct alignas(8) Range {
    float low, high;
};

// The number of ranges that a launch needs memory for.
constexpr int kMostRanges = 1024;

// Written by a launch. low and high are the range of the values, without NaN; DynamicQuantizeLinear's
// formula:
//   scale       (high - low) / 255, or 1 where they are equal
//   zero_point  rint(clamp(0 - low / scale, 0, 255)) - 128; 127 where that is NaN, as on the CPU
// and for each of the `outputs` outputs of the matmuls that consume the result
//   bias        -zero_point * w_sum, wrapping
//   multiplier  scale * w_scale
// also if there are no values.
struct DynamicEpilogue {
    int64_t outputs;
    const int32_t* w_sum;
    const float* w_scale;
    int32_t* bias;
    float* multiplier;
    Range* ranges;  // [kMostRanges], to work with
};

// Carries the `count` values of x into an island:
//   y = saturate(rint(x / scale) + zero_point), NaN giving -128. Fill: zero_point
cudaError_t dynamic_quantize_to_island(const BorderGeometry& g, int64_t count, const float* x, int8_t* y,
                                       const DynamicEpilogue& to, cudaStream_t stream);

// The same of 0.5 * (x * (1 + erf(x * factor))) in float32, erf within 3 * 2^-23.
cudaError_t dynamic_gelu_to_island(const BorderGeometry& g, int64_t count, float factor, const float* x,
                                   int8_t* y, const DynamicEpilogue& to, cudaStream_t stream);

}  // namespace qudnn::kernels
