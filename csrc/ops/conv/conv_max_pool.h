// QConvMaxPool: the first convolution of an image network and the max pool behind it.
#pragma once

#include "kernels/image/max_pool.h"
#include "ops/conv/conv.h"

namespace qudnn::ops {

// x, w, bias, multiplier as QConv has them -> [N,P,Q,Kp] int8, the pool's result, within its padding.
struct QConvMaxPool {
    static constexpr Signature kSignature{
        "QConvMaxPool",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32},
        {ort::ElementType::int8}};

    Windows<2> windows;
    int x_zero_point;
    Requantize requantize;
    std::array<int64_t, 2> kernel, pool_strides;
    std::array<int64_t, 4> pool_pads;  // top, left, bottom, right
    kernels::OutputPadding y_padding;

    explicit QConvMaxPool(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);

  private:
    kernels::PoolGeometry pool(const plan::ConvProblem& conv) const;
};

}  // namespace qudnn::ops
