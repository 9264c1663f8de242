#include "kernels/attention/attention.h"

#include "kernels/attention/attention_launch.cuh"

namespace qudnn::kernels {
namespace {

__global__ void store_two(MatMulScalars first, MatMulScalars second, MatMulScalars* target) {
    target[0] = first, target[1] = second;
}

}  // namespace

cudaError_t attention(const AttentionGeometry& g, const AttentionMatMul& scores,
                      const AttentionMatMul& result, const SoftmaxConstants& constants,
                      const AttentionTensors& tensors, cudaStream_t stream) {
    if (!has_small_results(constants)) return cudaErrorNotSupported;  // as attention_refusal() says
    return launch_attention(g, scores, result, LinearSoftmax{constants}, tensors, stream);
}

std::string attention_refusal(const AttentionGeometry& g, const SoftmaxConstants& constants,
                              const AttentionTensors& tensors) {
    if (!has_small_results(constants)) return kLargeResults;
    return launch_refusal(g, tensors, current_gpu());
}

cudaError_t store_scalars(const AttentionMatMul& scores, const AttentionMatMul& result, MatMulScalars* target,
                          cudaStream_t stream) {
    const auto scalars = [](const AttentionMatMul& p) {
        return MatMulScalars{0, p.multiplier, static_cast<int8_t>(p.b_zero_point)};
    };
    return launch(store_two, 1, 1, stream, scalars(scores), scalars(result), target);
}

}  // namespace qudnn::kernels
