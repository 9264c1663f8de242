// Attention with its scores in shared memory: two matmuls and the softmax between them.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

#include "kernels/softmax/masked_softmax.h"
#include "kernels/softmax/softmax.h"

namespace qudnn::kernels {

// For each matrix of a batch: Q [m,k], K^T [n,k], V [n,columns], Y [m,columns]. Strides are in elements:
// those of the batch's dimensions, outermost first, 0 where a matrix serves several matmuls, then the leading
// dimension. Rows are dense.
struct AttentionGeometry {
    static constexpr int kBatchRank = 3;

    int64_t batch[kBatchRank];
    int64_t m, n, k, columns;
    int64_t q_stride[kBatchRank + 1], k_stride[kBatchRank + 1];
    int64_t v_stride[kBatchRank + 1], y_stride[kBatchRank + 1];
    int64_t width;  // of y's rows: what lies beyond columns is set to 0
};

// A matmul of int8 A and B: clamp(rint(float(sum((A - a_zero_point) * (B - b_zero_point))) * multiplier) +
// zero_point), half to even.
struct AttentionMatMul {
    int a_zero_point, b_zero_point;
    float multiplier;
    int zero_point;
};

struct AttentionTensors {
    const int8_t *q, *k, *v;
    const int8_t* table;  // of 256 values, on the GPU
    int8_t* y;
};

// Both compute Y = P * V with P = softmax(table[Q * K + 128]) for each row of scores. The softmax has the
// bits of softmax(), with constants for n channels, or of masked_softmax(): `rows` then has a row for each
// row of scores, in their order, and its x_stride and y_stride are ignored. They return cudaErrorNotSupported
// where the refusals below say why.
cudaError_t attention(const AttentionGeometry& g, const AttentionMatMul& scores,
                      const AttentionMatMul& result, const SoftmaxConstants& constants,
                      const AttentionTensors& tensors, cudaStream_t stream);
cudaError_t masked_attention(const AttentionGeometry& g, const AttentionMatMul& scores,
                             const AttentionMatMul& result, const MaskedSoftmaxGeometry& rows,
                             const MaskedSoftmaxScales& scales, const float* mask,
                             const AttentionTensors& tensors, cudaStream_t stream);

// Why the kernels do not take the sizes, strides, alignments, constants or GPU: below compute capability 8.0,
// if rows of q, k or v do not start at multiples of 16, or if rows of scores or heads are too long for shared
// memory. Empty if they do.
std::string attention_refusal(const AttentionGeometry& g, const SoftmaxConstants& constants,
                              const AttentionTensors& tensors);
std::string masked_attention_refusal(const AttentionGeometry& g, const MaskedSoftmaxGeometry& rows,
                                     const AttentionTensors& tensors);

// The parameters of columns that are all the same, as matmul kernels read them; aligned for vector loads.
struct MatMulScalars {
    alignas(16) int32_t bias;
    alignas(16) float multiplier;
    alignas(16) int8_t b_zero_point;
};

// Stores the scalars of both matmuls at target, one after the other.
cudaError_t store_scalars(const AttentionMatMul& scores, const AttentionMatMul& result, MatMulScalars* target,
                          cudaStream_t stream);

}  // namespace qudnn::kernels
