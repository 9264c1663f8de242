// Convolutions of an island whose results are real numbers first: QConvToFloat, where they leave the island,
// and QConvFloatAdd, where a residual is added to them before they are quantized.
#pragma once

#include "kernels/epilogue/residual.h"
#include "ops/conv/conv.h"

namespace qudnn::ops {

// x [N,H,W,Cp] int8, w [Kp,R,S,Cp/group] int8, bias [Kp] int32, multiplier, addend [Kp] float32 -> [N,P,Q,Kp]
// float32.
struct QConvToFloat {
    static constexpr Signature kSignature{
        "QConvToFloat",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32,
         ort::ElementType::float32},
        {ort::ElementType::float32}};

    Windows<2> windows;
    int x_zero_point;

    explicit QConvToFloat(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// What is added to a convolution's results before they are rounded: a residual of their shape.
struct ConvFloatAddition {
    float r_scale, y_scale;
    int r_zero_point;

    explicit ConvFloatAddition(const ort::Attributes& attributes);
    kernels::Residual residual(const int8_t* r) const;
};

// x, residual [N,P,Q,Kp] int8, w, bias, multiplier as QConv has them -> [N,P,Q,Kp] int8.
struct QConvFloatAdd {
    static constexpr Signature kSignature{"QConvFloatAdd", QConvAdd::kSignature.inputs,
                                          QConvAdd::kSignature.outputs};

    Windows<2> windows;
    int x_zero_point;
    Requantize requantize;
    ConvFloatAddition addition;

    explicit QConvFloatAdd(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
