// QMaxPool and QGlobalAveragePool, the pools of an island.
#pragma once

#include "ops/shared/op.h"
#include "ops/shared/output_padding.h"

namespace qudnn::ops {

// x [N,H,W,Cp] int8 -> [N,P,Q,Cp] int8, within its padding.
struct QMaxPool {
    static constexpr Signature kSignature{"QMaxPool", {ort::ElementType::int8}, {ort::ElementType::int8}};

    std::array<int64_t, 2> kernel;
    std::array<int64_t, 4> pads;  // top, left, bottom, right
    std::array<int64_t, 2> strides;
    std::array<int64_t, 2> dilations;
    bool ceil_mode;
    kernels::OutputPadding y_padding;
    int y_zero_point;  // of the padding

    explicit QMaxPool(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [N,spatial...,Cp] int8 -> [N,1...,Cp] int8.
struct QGlobalAveragePool {
    static constexpr Signature kSignature{
        "QGlobalAveragePool", {ort::ElementType::int8}, {ort::ElementType::int8}};

    float x_scale, y_scale;
    int x_zero_point, y_zero_point;

    explicit QGlobalAveragePool(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
