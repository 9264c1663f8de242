// Products of tensors that were quantized dynamically.
#pragma once

#include "ops/conv.h"

namespace qudnn::ops {

// x [...,Cp] int8, x_scale [] float32, x_zero_point [] int8, w [K,Cp] int8, w_sum [K] int32,
// w_scale and addend [K] float32 -> [...,K] float32.
struct DynamicQMatMul {
    static constexpr Signature kSignature{
        "DynamicQMatMul",
        {ort::ElementType::int8, ort::ElementType::float32, ort::ElementType::int8, ort::ElementType::int8,
         ort::ElementType::int32, ort::ElementType::float32, ort::ElementType::float32},
        {ort::ElementType::float32}};

    explicit DynamicQMatMul(const ort::Attributes&) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [N,H,W,Cp] int8, x_scale, x_zero_point, w [Kp,R,S,Cp/group] int8, w_sum, w_scale, addend as above
// -> [N,P,Q,Kp] float32.
struct DynamicQConv {
    static constexpr Signature kSignature{"DynamicQConv", DynamicQMatMul::kSignature.inputs,
                                          DynamicQMatMul::kSignature.outputs};

    Windows windows;

    explicit DynamicQConv(const ort::Attributes& attributes) : windows(attributes, false) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
