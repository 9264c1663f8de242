// Attention with its scores in shared memory: two matmuls and the softmax between them.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/softmax/masked_softmax.h"
#include "kernels/softmax/softmax.h"

namespace qudnn::kernels {

// For each of a batch: Q [m,k], K^T [n,k], V [n,columns], Y [m,columns]. Strides count elements: of the
// batch's dimensions, outermost first, 0 where a matrix serves several matmuls, and of the matrix's rows,
// which are dense.
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

// Both compute Y = P * V with P = softmax(table[Q * K + 128]) of each row of scores and the bits of the
// kernels of those names: softmax(), of constants for n channels, or masked_softmax(), where `rows` has a row
// for each row of scores, in their order, and x_stride and y_stride do not count. cudaErrorNotSupported where
// they do not take the sizes, strides, alignments or GPU: below compute capability 8.0, where rows of q, k or
// v do not start at multiples of 16, where rows of scores or heads are too long for shared memory.
cudaError_t attention(const AttentionGeometry& g, const AttentionMatMul& scores,
                      const AttentionMatMul& result, const SoftmaxConstants& constants,
                      const AttentionTensors& tensors, cudaStream_t stream);
cudaError_t masked_attention(const AttentionGeometry& g, const AttentionMatMul& scores,
                             const AttentionMatMul& result, const MaskedSoftmaxGeometry& rows,
                             const MaskedSoftmaxScales& scales, const float* mask,
                             const AttentionTensors& tensors, cudaStream_t stream);

// What kernels of matmuls read of columns that all have the same; aligned as they like it best.
struct MatMulScalars {
    alignas(16) int32_t bias;
    alignas(16) float multiplier;
    alignas(16) int8_t b_zero_point;
};

// Stores those of both matmuls at target, one after the other.
cudaError_t store_scalars(const AttentionMatMul& scores, const AttentionMatMul& result, MatMulScalars* target,
                          cudaStream_t stream);

}  // namespace qudnn::kernels
