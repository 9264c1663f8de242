// QAttention and QMaskedAttention: the attention of transformers in one op.
#pragma once

#include "kernels/softmax/masked_softmax.h"
#include "ops/attention/attention_core.h"
#include "ops/softmax/softmax.h"

namespace qudnn::ops {

// q, k, v int8 of four dimensions, table int8 [256] -> int8 of four dimensions.
struct QAttention {
    static constexpr Signature kSignature{
        "QAttention",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int8},
        {ort::ElementType::int8}};

    AttentionCore core;
    NodeSoftmaxConstants constants;

    explicit QAttention(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context) { AttentionCore::infer(context); }
};

// As QAttention; mask, the last input, is float32 and broadcasts to [batch, heads, M, N].
struct QMaskedAttention {
    static constexpr Signature kSignature{
        "QMaskedAttention",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int8,
         ort::ElementType::float32},
        {ort::ElementType::int8}};

    AttentionCore core;
    kernels::MaskedSoftmaxScales scales;

    explicit QMaskedAttention(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context) { AttentionCore::infer(context); }
};

}  // namespace qudnn::ops
