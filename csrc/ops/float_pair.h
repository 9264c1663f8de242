// QFloatAdd and QFloatMul, the float32 sum and product of an island's tensors, quantized again.
#pragma once

#include "kernels/elementwise/float_pair.h"
#include "ops/op.h"

namespace qudnn::ops {

// a, b int8, broadcast -> int8.
struct QFloatPair {
    using Kernel = decltype(kernels::float_add);

    kernels::PairScales scales;
    kernels::Limits limits;

    explicit QFloatPair(const ort::Attributes& attributes);
    void compute(Context& context, Kernel* kernel) const;
    static void infer(const ort::InferenceContext& context);
};

struct QFloatAdd : QFloatPair {
    static constexpr Signature kSignature{
        "QFloatAdd", {ort::ElementType::int8, ort::ElementType::int8}, {ort::ElementType::int8}};

    using QFloatPair::QFloatPair;
    void compute(Context& context) const { QFloatPair::compute(context, kernels::float_add); }
};

struct QFloatMul : QFloatPair {
    static constexpr Signature kSignature{
        "QFloatMul", {ort::ElementType::int8, ort::ElementType::int8}, {ort::ElementType::int8}};

    using QFloatPair::QFloatPair;
    void compute(Context& context) const { QFloatPair::compute(context, kernels::float_mul); }
};

}  // namespace qudnn::ops
