// The entry of an image in float16, or rounded to it.
#pragma once

#include "kernels/border/border.h"

namespace qudnn::kernels {

// As quantize_to_island() of border.h, of float16 x: [N, up to 4, H, W] outside, [N, H, W, 4] inside; y is a
// multiple of 4.
cudaError_t quantize_half_image_to_island(const BorderGeometry& g, float scale, int zero_point, const void* x,
                                          int8_t* y, cudaStream_t stream);

// The same of float32 x, which is rounded to float16 first, to even where two are as near.
cudaError_t quantize_rounded_image_to_island(const BorderGeometry& g, float scale, int zero_point,
                                             const float* x, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
