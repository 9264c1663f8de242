// FloatPointwise: a 1x1 convolution in float32 of images of one pixel, as in squeeze-and-excite.
#pragma once

#include "kernels/common/float_activation.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// x [N,C,1...], w [K,C,1...], bias [K] float32 -> [N,K,1...] float32.
struct FloatPointwise {
    static constexpr Signature kSignature{
        "FloatPointwise",
        {ort::ElementType::float32, ort::ElementType::float32, ort::ElementType::float32},
        {ort::ElementType::float32}};

    kernels::FloatActivation activation;

    explicit FloatPointwise(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
