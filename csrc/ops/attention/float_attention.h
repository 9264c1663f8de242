// Attention and MaskedAttention: the attention of transformers between float32 tensors.
#pragma once

#include "kernels/attention/float_attention.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// What the two share.
struct FloatAttention {
    int64_t heads, q_first, k_first, v_first;
    float factor;
    bool nan_to_zero;

    explicit FloatAttention(const ort::Attributes& attributes);

    // Inputs 0 to 2 are q, k and v. mask: of four dimensions, or null.
    void compute(Context& context, const ort::Tensor* mask) const;
    static void infer(const ort::InferenceContext& context);
};

// q [B,M,Hq,D], k [B,N,Hk,D], v [B,N,Hv,C] float32 -> [B,M,heads,C] float32.
struct Attention {
    static constexpr Signature kSignature{
        "Attention",
        {ort::ElementType::float32, ort::ElementType::float32, ort::ElementType::float32},
        {ort::ElementType::float32}};

    FloatAttention core;

    explicit Attention(const ort::Attributes& attributes) : core(attributes) {}
    void compute(Context& context) const { core.compute(context, nullptr); }
    static void infer(const ort::InferenceContext& context) { FloatAttention::infer(context); }
};

// As Attention; mask, the last input, is float32 and broadcasts to [B,heads,M,N].
struct MaskedAttention {
    static constexpr Signature kSignature{"MaskedAttention",
                                          {ort::ElementType::float32, ort::ElementType::float32,
                                           ort::ElementType::float32, ort::ElementType::float32},
                                          {ort::ElementType::float32}};

    FloatAttention core;

    explicit MaskedAttention(const ort::Attributes& attributes) : core(attributes) {}
    void compute(Context& context) const {
        const ort::Tensor mask = context.input(3);
        core.compute(context, &mask);
    }
    static void infer(const ort::InferenceContext& context) { FloatAttention::infer(context); }
};

}  // namespace qudnn::ops
