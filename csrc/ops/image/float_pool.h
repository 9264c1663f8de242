// FloatGlobalAveragePool and FloatMaxPool: pools of the float32 results of convolutions.
#pragma once

#include "kernels/common/float_activation.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// x [N,H,W,C] float32 -> [N,1,1,C] float32.
struct FloatGlobalAveragePool {
    static constexpr Signature kSignature{
        "FloatGlobalAveragePool", {ort::ElementType::float32}, {ort::ElementType::float32}};

    kernels::FloatActivation activation;

    explicit FloatGlobalAveragePool(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [N,H,W,C] float32 -> [N,P,Q,C] float32.
struct FloatMaxPool {
    static constexpr Signature kSignature{
        "FloatMaxPool", {ort::ElementType::float32}, {ort::ElementType::float32}};

    std::array<int64_t, 2> kernel;
    std::array<int64_t, 4> pads;  // top, left, bottom, right
    std::array<int64_t, 2> strides;
    std::array<int64_t, 2> dilations;
    bool ceil_mode;
    kernels::FloatActivation activation;  // without silu

    explicit FloatMaxPool(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
