// Attention of float32 tensors, with its scores in registers.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

namespace qudnn::kernels {

// q [batch,m,q_heads,depth], k [batch,n,k_heads,depth], v [batch,n,v_heads,columns]. The kernel reads `heads`
// heads of each, from the tensor's pointer on. y [batch,m,heads,columns].
struct FloatAttentionGeometry {
    int64_t batch, heads, m, n, depth, columns;
    int64_t q_heads, k_heads, v_heads;
    float factor;
    bool nan_to_zero;  // weights that are NaN become 0: those of a row whose scores are all minus infinity
};

// Strides count elements, of [batch,heads,m,n]: 0 where the mask repeats.
struct FloatAttentionMask {
    const float* data;  // null: none
    int64_t stride[4];
};

struct FloatAttentionTensors {
    const float *q, *k, *v;
    FloatAttentionMask mask;
    float* y;
};

// y = softmax(q * k^T * factor + mask) * v for each head.
// Runs on the tensor cores where float_attention_refusal() is empty. The operands of both matmuls are then
// rounded to TF32, 10 bits of mantissa, within 2^-11 of their values, relatively; sums are float32. Otherwise
// it runs as plain_float_attention().
cudaError_t float_attention(const FloatAttentionGeometry& g, const FloatAttentionTensors& tensors,
                            cudaStream_t stream);

// Why it does not run on the tensor cores: it does from compute capability 8.0 on, if depth and columns are
// multiples of 4 up to 128 and pointers are aligned.
std::string float_attention_refusal(const FloatAttentionGeometry& g, const FloatAttentionTensors& tensors);

// The same in float32, for any sizes.
cudaError_t plain_float_attention(const FloatAttentionGeometry& g, const FloatAttentionTensors& tensors,
                                  cudaStream_t stream);

}  // namespace qudnn::kernels
