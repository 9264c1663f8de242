// QConv, the quantized convolution of an island.
#pragma once

#include "ops/requantize.h"

namespace qudnn::ops {

// x [N,H,W,Cp] int8, w [Kp,R,S,Cp/group] int8, bias [Kp] int32, multiplier [Kp] float32 -> [N,P,Q,Kp] int8.
struct QConv {
    static constexpr Signature kSignature{
        "QConv",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32},
        {ort::ElementType::int8}};

    std::array<int64_t, 4> pads;  // top, left, bottom, right
    std::array<int64_t, 2> strides;
    std::array<int64_t, 2> dilations;
    int64_t group;
    int x_zero_point;
    Requantize requantize;

    explicit QConv(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
