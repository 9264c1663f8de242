// QConv3D, the quantized convolution of an island in three dimensions.
#pragma once

#include "ops/requantize.h"

namespace qudnn::ops {

// x [N,D,H,W,Cp] int8, w [Kp,T,R,S,Cp/group] int8, bias [Kp] int32, multiplier [Kp] float32
// -> [N,Z,P,Q,Kp] int8.
struct QConv3D {
    static constexpr Signature kSignature{
        "QConv3D",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32},
        {ort::ElementType::int8}};

    std::array<int64_t, 6> pads;  // front, top, left, back, bottom, right
    std::array<int64_t, 3> strides;
    std::array<int64_t, 3> dilations;
    int64_t group;
    int x_zero_point;
    Requantize requantize;

    explicit QConv3D(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
