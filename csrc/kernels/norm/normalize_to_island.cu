#include "kernels/norm/normalize_to_island.h"

#include "kernels/norm/dequantized_rows.cuh"
#include "kernels/norm/normalize_to_island.cuh"

namespace qudnn::kernels {

cudaError_t layer_normalization_to_island(const ToIslandGeometry& g, const ToIslandScales& scales,
                                          const float* x, const float* gamma, const float* beta, int8_t* q,
                                          float* y, cudaStream_t stream) {
    return launch_to_island(g, scales, Floats{x, static_cast<int>(g.channels)}, gamma, beta, q, {nullptr, y},
                            stream);
}

cudaError_t add_layer_normalization_to_island(const ToIslandGeometry& g, const ToIslandScales& scales,
                                              const DequantizedRows& x, const float* bias,
                                              const DequantizedRows& residual, const float* gamma,
                                              const float* beta, int8_t* q, const FloatResults& results,
                                              cudaStream_t stream) {
    const Total<Dequantized, false> total{Dequantized(x), bias, Dequantized(residual)};
    return launch_to_island(g, scales, total, gamma, beta, q, results, stream);
}

cudaError_t add_layer_normalization_to_island(const ToIslandGeometry& g, const ToIslandScales& scales,
                                              const DequantizedRows& x, const float* bias,
                                              const FloatRows& residual, const float* gamma,
                                              const float* beta, int8_t* q, const FloatResults& results,
                                              cudaStream_t stream) {
    const Total<Scaled, false> total{Dequantized(x), bias, Scaled(residual, static_cast<int>(g.channels))};
    return launch_to_island(g, scales, total, gamma, beta, q, results, stream);
}

}  // namespace qudnn::kernels
