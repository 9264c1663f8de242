#include "kernels/attention/attention.h"

#include "kernels/attention/attention_launch.cuh"

namespace qudnn::kernels {
namespace {

__global__ void store_two(ProductScalars first, ProductScalars second, ProductScalars* target) {
    target[0] = first, target[1] = second;
}

}  // namespace

cudaError_t attention(const AttentionGeometry& g, const AttentionProduct& scores,
                      const AttentionProduct& result, const SoftmaxConstants& constants,
                      const AttentionTensors& tensors, cudaStream_t stream) {
    if (!has_small_results(constants)) return cudaErrorNotSupported;
    return launch_attention(g, scores, result, LinearSoftmax{constants}, tensors, stream);
}

cudaError_t store_scalars(const AttentionProduct& scores, const AttentionProduct& result,
                          ProductScalars* target, cudaStream_t stream) {
    const auto scalars = [](const AttentionProduct& p) {
        return ProductScalars{0, p.multiplier, static_cast<int8_t>(p.b_zero_point)};
    };
    return launch(store_two, 1, 1, stream, scalars(scores), scalars(result), target);
}

}  // namespace qudnn::kernels
