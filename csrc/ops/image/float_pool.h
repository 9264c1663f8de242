// Pools of the float32 results of convolutions.
#pragma once

#include "kernels/common/float_activation.h"
#include "kernels/image/max_pool.h"
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

// The window of a pool, and how y's geometry follows from x's.
struct FloatWindow {
    std::array<int64_t, 2> kernel;
    std::array<int64_t, 4> pads;  // top, left, bottom, right
    std::array<int64_t, 2> strides;
    std::array<int64_t, 2> dilations;
    bool ceil_mode;
    kernels::FloatActivation activation;

    // silu: of an activation that may be it.
    FloatWindow(const ort::Attributes& attributes, bool has_dilations, bool has_silu);
    kernels::PoolGeometry geometry(const ort::Shape& x) const;
    void infer(const ort::InferenceContext& context) const;
};

// x [N,H,W,C] float32 -> [N,P,Q,C] float32.
struct FloatMaxPool {
    static constexpr Signature kSignature{
        "FloatMaxPool", {ort::ElementType::float32}, {ort::ElementType::float32}};

    FloatWindow window;

    explicit FloatMaxPool(const ort::Attributes& attributes) : window(attributes, true, false) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [N,H,W,C] float32 -> [N,P,Q,C] float32.
struct FloatAveragePool {
    static constexpr Signature kSignature{
        "FloatAveragePool", {ort::ElementType::float32}, {ort::ElementType::float32}};

    FloatWindow window;
    bool count_padding;

    explicit FloatAveragePool(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
