// QSoftmax, the quantized softmax over an island's channels.
#pragma once

#include "kernels/softmax.h"
#include "ops/op.h"

namespace qudnn::ops {

// x [..., Cp] int8 -> int8 of that shape, the softmax over the first `channels`.
struct QSoftmax {
    static constexpr Signature kSignature{"QSoftmax", {ort::ElementType::int8}, {ort::ElementType::int8}};

    kernels::SoftmaxConstants constants;

    explicit QSoftmax(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
