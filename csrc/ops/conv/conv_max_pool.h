// The first convolution of an image network and the max pool behind it: QConvMaxPool, and
// ConvMaxPoolToIsland, whose image is still outside of the island.
#pragma once

#include "kernels/conv/stem_pool.h"
#include "ops/conv/conv.h"

namespace qudnn::ops {

// What both have in common, with x as it is inside, [N,H,W,Cp].
struct ConvMaxPool {
    Windows<2> windows;
    int x_zero_point;
    Requantize requantize;
    std::array<int64_t, 2> kernel, pool_strides;
    std::array<int64_t, 4> pool_pads;  // top, left, bottom, right
    kernels::OutputPadding y_padding;

    explicit ConvMaxPool(const ort::Attributes& attributes);
    plan::ConvProblem problem(const ort::Shape& x, const ort::Shape& w) const;
    kernels::PoolGeometry pool(const plan::ConvProblem& conv) const;
    // y, with its padding, of inputs 1 to 3: w, bias, multiplier. x: none so far.
    plan::Arguments arguments(Context& context, const plan::ConvProblem& conv) const;
    // Runs one kernel, or where that declines the two ops. y is not empty.
    void run(const plan::ConvProblem& conv, const plan::Arguments& arguments, Context& context) const;
    // x: what enters the convolution.
    void infer(const std::vector<ort::Dim>& x, const ort::InferenceContext& context) const;
};

// x, w, bias, multiplier as QConv has them -> [N,P,Q,Kp] int8, the pool's result, within its padding.
struct QConvMaxPool {
    static constexpr Signature kSignature{
        "QConvMaxPool",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32},
        {ort::ElementType::int8}};

    ConvMaxPool inside;

    explicit QConvMaxPool(const ort::Attributes& attributes) : inside(attributes) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// The same of x [N,3,H,W] float32 or float16, which is quantized first: as float32, or (attribute x_dtype)
// rounded to float16.
struct ConvMaxPoolToIsland {
    static constexpr Signature kSignature{"ConvMaxPoolToIsland",
                                          {ort::ElementType::undefined, ort::ElementType::int8,
                                           ort::ElementType::int32, ort::ElementType::float32},
                                          {ort::ElementType::int8}};

    ConvMaxPool inside;
    float x_scale;
    bool rounds;  // to float16

    explicit ConvMaxPoolToIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
