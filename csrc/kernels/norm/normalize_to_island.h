// Layer normalization in float32 at the border of an island: the conversions before and after it, a residual
// addition before it, in one pass.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace qudnn::kernels {

// Rows of `channels`, dense outside of the island; inside, q's rows have q_stride elements, of which those
// beyond the channels become 0.
struct ToIslandGeometry {
    int64_t rows;
    int64_t channels;
    int64_t q_stride;
};

struct ToIslandScales {
    float q_scale;
    int q_zero_point;
    float epsilon;
};

// The quantized rows of a tensor inside, float(x - zero_point) * scale.
struct DequantizedRows {
    const int8_t* x;
    int64_t stride;
    float scale;
    int zero_point;
};

// The results besides q, [rows, channels] each; null if not wanted.
struct FloatResults {
    float* total;
    float* y;
};

// x = [rows, channels], normalized as layer_normalization.h says (r = x, and the sum in float64 in four, of
// every fourth channel: (t[0] + t[2]) + (t[1] + t[3]), to which the channels beyond the last four are added
// one by one) to y, and
//   q = saturate(rint(y / q_scale) + q_zero_point)
// gamma, beta: [channels], on the GPU.
cudaError_t layer_normalization_to_island(const ToIslandGeometry& g, const ToIslandScales& scales,
                                          const float* x, const float* gamma, const float* beta, int8_t* q,
                                          float* y, cudaStream_t stream);

// The same of total = (x + bias) + residual; bias: [channels], on the GPU. residual is a tensor inside, of
// which r = (residual - zero_point) * scale is added, or one outside.
cudaError_t add_layer_normalization_to_island(const ToIslandGeometry& g, const ToIslandScales& scales,
                                              const DequantizedRows& x, const float* bias,
                                              const DequantizedRows& residual, const float* gamma,
                                              const float* beta, int8_t* q, const FloatResults& results,
                                              cudaStream_t stream);

struct FloatRows {
    const float* x;
    float scale, zero_point;
};

cudaError_t add_layer_normalization_to_island(const ToIslandGeometry& g, const ToIslandScales& scales,
                                              const DequantizedRows& x, const float* bias,
                                              const FloatRows& residual, const float* gamma,
                                              const float* beta, int8_t* q, const FloatResults& results,
                                              cudaStream_t stream);

}  // namespace qudnn::kernels
