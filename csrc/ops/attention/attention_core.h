// What QAttention and QMaskedAttention share: two matmuls with a softmax between them.
#pragma once

#include "kernels/attention/attention.h"
#include "ops/shared/batch_matmul_layout.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// The softmax of one run: inside the fused kernel, or over rows in memory.
struct AttentionSoftmax {
    virtual ~AttentionSoftmax() = default;

    // scores: their shape, [batch, heads, M, N]. cudaErrorNotSupported where the kernel does not take it.
    virtual cudaError_t fused(const kernels::AttentionGeometry& g, const ort::Shape& scores,
                              const kernels::AttentionTensors& tensors) const = 0;
    // Why it does not; empty where it does.
    virtual std::string refusal(const kernels::AttentionGeometry& g, const ort::Shape& scores,
                                const kernels::AttentionTensors& tensors) const = 0;
    // x and y have the shape [batch, heads, M, N or more], of which the first n of each row count.
    virtual cudaError_t rows(const ort::Shape& shape, int64_t n, const int8_t* x, int8_t* y) const = 0;
};

struct AttentionCore {
    BatchMatMulLayout score_layout, result_layout;
    kernels::AttentionMatMul scores, result;

    // Reads the attributes that the two ops share; see their function bodies.
    explicit AttentionCore(const ort::Attributes& attributes);

    // Inputs 0 to 2 are q, k and v. Runs one fused kernel, or four kernels with the scores in a workspace.
    void compute(Context& context, const ort::Tensor& table, const AttentionSoftmax& softmax) const;

    static void infer(const ort::InferenceContext& context);

  private:
    // Of matmuls without joined dimensions. cudaErrorNotSupported if the fused kernel does not take it.
    static cudaError_t run_fused(const Context& context, const PlacedMatMul& first,
                                 const PlacedMatMul& second, kernels::AttentionTensors tensors,
                                 const AttentionSoftmax& softmax);
    void run_apart(Context& context, const ort::Shape& q, const ort::Shape& k, const ort::Shape& v,
                   const kernels::AttentionTensors& tensors, const AttentionSoftmax& softmax) const;
};

}  // namespace qudnn::ops
