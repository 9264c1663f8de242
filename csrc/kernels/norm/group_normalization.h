// Quantized normalization of groups of channels: of images, or of each pixel by itself.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/norm/layer_normalization.h"

namespace qudnn::kernels {

// Images of `pixels` pixels, of which the first groups * each channels are normalized, `each` together;
// strides count elements, those of y beyond these channels become 0.
struct GroupGeometry {
    int64_t images, pixels, groups, each;
    int64_t x_stride, y_stride;  // of a pixel

    int64_t channels() const { return groups * each; }
};

// What the sums of a group of an image are added to: its elements less the zero point, and their squares.
struct GroupSums {
    unsigned long long elements;  // wraps like int64
    unsigned long long squares;
};

// Of each group of each image, with n elements d = x - x_zero_point, in float64:
//   mean     = sum(d) / n, 0 unless centered
//   variance = max(sum(d * d) / n - mean * mean, 0)
//   inverse  = x_scale / sqrt(variance * (x_scale * x_scale) + epsilon)
//   factor_c = gamma_c * inverse,  term_c = beta_c - mean * factor_c
// and in float32, with one rounding after each operation:
//   y = saturate(rint((float(d) * float(factor_c) + float(term_c)) / y_scale) + y_zero_point)
// The sums are exact, in whatever order. sums: [images, groups], gamma and beta: [channels], on the GPU.
cudaError_t group_normalization(const GroupGeometry& g, const NormalizationScales& scales, bool centered,
                                const int8_t* x, const float* gamma, const float* beta, GroupSums* sums,
                                int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
