// The entry of an image in float16, and of tensors that are rounded to it.
#pragma once

#include "kernels/border/border.h"

namespace qudnn::kernels {

// As quantize_to_island() of border.h, of float16 x: [N, up to 4, H, W] outside, [N, H, W, 4] inside; y is a
// multiple of 4.
cudaError_t quantize_half_image_to_island(const BorderGeometry& g, float scale, int zero_point, const void* x,
                                          int8_t* y, cudaStream_t stream);

// As quantize_to_island() of border.h, of x rounded to float16, to even where two are as near.
cudaError_t quantize_rounded_to_island(const BorderGeometry& g, float scale, int zero_point, const float* x,
                                       int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
