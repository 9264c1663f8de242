// Dynamic quantization: the range of a tensor decides how it is quantized, and all of it stays on the GPU.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/border.h"

namespace qudnn::kernels {

// The least and the greatest value of a part of a tensor, and 0.
struct Range {
    float low, high;
};

// How many parts find_ranges() cuts a tensor of `count` elements into.
int range_count(int64_t count);

// The range of each part of x; NaN does not count.
cudaError_t find_ranges(int64_t count, const float* x, Range* ranges, cudaStream_t stream);

// x is quantized with DynamicQuantizeLinear's formula, to int8, and carried into an island:
//   low, high   all the ranges together
//   scale       (high - low) / 255, or 1 where they are equal
//   zero_point  rint(clamp(0 - low / scale, 0, 255)) - 128; 127 where that is NaN, as on the CPU
//   y           saturate(rint(x / scale) + zero_point), NaN giving -128. Fill: zero_point
// scale and zero_point are written even where y is empty.
cudaError_t dynamic_quantize_to_island(const BorderGeometry& g, const Range* ranges, int ranges_count,
                                       const float* x, int8_t* y, float* scale, int8_t* zero_point,
                                       cudaStream_t stream);

// What the epilogue of a product of such an x and weights needs, for each of k output channels:
// bias = -x_zero_point * w_sum, wrapping, and multiplier = x_scale * w_scale.
cudaError_t dynamic_epilogue(int64_t k, const float* x_scale, const int8_t* x_zero_point,
                             const int32_t* w_sum, const float* w_scale, int32_t* bias, float* multiplier,
                             cudaStream_t stream);

}  // namespace qudnn::kernels
