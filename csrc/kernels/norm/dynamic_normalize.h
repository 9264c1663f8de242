// Layer normalization in float32 whose result is quantized dynamically, in one pass.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

#include "kernels/border/dynamic_quantize.h"
#include "kernels/norm/normalize_to_island.h"

namespace qudnn::kernels {

// x = [rows, channels], normalized to y with the bits that normalize_to_island.h specifies, and y quantized
// to q as dynamic_quantize.h says; q's padding channels become the zero point. gamma, beta:
// [channels], on the GPU. results.total: a + b. results.y may be null if y is not wanted, unless
// needs_y().
cudaError_t dynamic_layer_normalization_to_island(const ToIslandGeometry& g, float epsilon, const float* x,
                                                  const float* gamma, const float* beta, int8_t* q,
                                                  const FloatResults& results, const DynamicEpilogue& to,
                                                  cudaStream_t stream);

// The same of x = a + b, [rows, channels] both.
cudaError_t dynamic_add_layer_normalization_to_island(const ToIslandGeometry& g, float epsilon,
                                                      const float* a, const float* b, const float* gamma,
                                                      const float* beta, int8_t* q,
                                                      const FloatResults& results, const DynamicEpilogue& to,
                                                      cudaStream_t stream);

// Why it takes two passes, and writes q twice; empty if one does, for aligned pointers.
std::string dynamic_normalize_refusal(const ToIslandGeometry& g);

// Whether the kernel may have to read rows back from y.
bool needs_y(const ToIslandGeometry& g);

}  // namespace qudnn::kernels
