// Quantized layer normalization with the bits of LayerNormalization between dequantization and quantization.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace qudnn::kernels {

// x has `rows` rows, y as many, of which the first `channels` are normalized; strides count elements, those
// of y beyond its channels become 0.
struct NormalizationGeometry {
    int64_t rows;
    int64_t channels;
    int64_t x_stride, y_stride;  // at least channels
};

struct NormalizationScales {
    float x_scale, y_scale;
    int x_zero_point, y_zero_point;
    float epsilon;
};

// The float32 steps that onnxruntime's CPU provider takes (1.30, layernorm.cpp, MlasLayerNormF32), for 8
// channels or more:
//   r    = float(x - x_zero_point) * x_scale
//   mean = float(sum(r) / channels), the sum and the quotient in float64
//   s[l] = fma(d, d, s[l]) for d = r - mean of the channels l, 8 + l, 16 + l, ...; l = 0..7
//   s    = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])), and the d of the last channels,
//          fewer than 8: of four or more, the first four as s + d * d, the others as fma(d, d, s)
//   n    = fma((r - mean) * (1 / sqrt(s / channels + epsilon)), gamma, beta)
//   y    = saturate(rint(n / y_scale) + y_zero_point)
// Fewer channels (layer_norm_impl.cc): Welford's mean and squares, and
//   n    = ((r - mean) / sqrt(s / channels + epsilon)) * gamma + beta
// The sum in float64 is exact, whatever its order, for up to 2^20 channels. gamma, beta: [channels], on the
// GPU.
cudaError_t layer_normalization(const NormalizationGeometry& g, const NormalizationScales& scales,
                                const int8_t* x, const float* gamma, const float* beta, int8_t* y,
                                cudaStream_t stream);

// y [rows, channels] float32, dense: n itself.
cudaError_t layer_normalization_to_float(const NormalizationGeometry& g, const NormalizationScales& scales,
                                         const int8_t* x, const float* gamma, const float* beta, float* y,
                                         cudaStream_t stream);

}  // namespace qudnn::kernels
