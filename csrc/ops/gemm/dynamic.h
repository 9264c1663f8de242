// Matmuls and convolutions of tensors that were quantized dynamically.
#pragma once

#include "ops/conv/conv.h"

namespace qudnn::ops {

// x [...,Cp] int8, w [K,Cp] int8, bias [S] int32 and multiplier [S] float32, of which it reads K from
// `first` on, addend [K] float32 -> [...,K] float32.
struct DynamicQMatMul {
    static constexpr Signature kSignature{
        "DynamicQMatMul",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32,
         ort::ElementType::float32},
        {ort::ElementType::float32}};

    int64_t first;

    explicit DynamicQMatMul(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [N,H,W,Cp] int8, w [Kp,R,S,Cp/group] int8, the others as above -> [N,P,Q,Kp] float32.
struct DynamicQConv {
    static constexpr Signature kSignature{"DynamicQConv", DynamicQMatMul::kSignature.inputs,
                                          DynamicQMatMul::kSignature.outputs};

    Windows<2> windows;
    int64_t first;

    explicit DynamicQConv(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
