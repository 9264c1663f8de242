// QMatMul, the quantized matrix product of an island, with constant weights.
#pragma once

#include "ops/requantize.h"

namespace qudnn::ops {

// x [...,Cp] int8, w [Kp,Cp] int8, bias [Kp] int32, multiplier [Kp] float32 -> [...,Kp] int8.
struct QMatMul {
    static constexpr Signature kSignature{
        "QMatMul",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32},
        {ort::ElementType::int8}};

    Requantize requantize;

    explicit QMatMul(const ort::Attributes& attributes) : requantize(attributes) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
