// Dynamic quantization: the range of values decides how they are quantized, and all of it stays on the GPU.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/border/border.h"

namespace qudnn::kernels {

// The least and the greatest of some values, and 0.
struct alignas(8) Range {
    float low, high;
};

// How many ranges a launch needs room for.
constexpr int kMostRanges = 1024;

// From low and high, the range of the values that are quantized, NaN not counted, with
// DynamicQuantizeLinear's formula:
//   scale       (high - low) / 255, or 1 where they are equal
//   zero_point  rint(clamp(0 - low / scale, 0, 255)) - 128; 127 where that is NaN, as on the CPU
// and for each of the `outputs` of matmuls that read what is quantized
//   bias        -zero_point * w_sum, wrapping
//   multiplier  scale * w_scale
// even where there are no values.
struct DynamicEpilogue {
    int64_t outputs;
    const int32_t* w_sum;
    const float* w_scale;
    int32_t* bias;
    float* multiplier;
    Range* ranges;  // [kMostRanges], to work with
};

// The `count` values of x outside are carried into an island as
//   y = saturate(rint(x / scale) + zero_point), NaN giving -128. Fill: zero_point
cudaError_t dynamic_quantize_to_island(const BorderGeometry& g, int64_t count, const float* x, int8_t* y,
                                       const DynamicEpilogue& to, cudaStream_t stream);

// The same of 0.5 * (x * (1 + erf(x * factor))) in float32, erf within 3 * 2^-23.
cudaError_t dynamic_gelu_to_island(const BorderGeometry& g, int64_t count, float factor, const float* x,
                                   int8_t* y, const DynamicEpilogue& to, cudaStream_t stream);

}  // namespace qudnn::kernels
