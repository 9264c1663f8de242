// QFloatAdd and QFloatMul, the float32 sum and product of an island's tensors, quantized again.
#pragma once

#include "kernels/elementwise/float_binary.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// a, b int8, broadcast -> int8.
struct QFloatBinary {
    using Kernel = decltype(kernels::float_add);

    kernels::BinaryScales scales;
    kernels::Limits limits;

    explicit QFloatBinary(const ort::Attributes& attributes);
    void compute(Context& context, Kernel* kernel) const;
    static void infer(const ort::InferenceContext& context);
};

struct QFloatAdd : QFloatBinary {
    static constexpr Signature kSignature{
        "QFloatAdd", {ort::ElementType::int8, ort::ElementType::int8}, {ort::ElementType::int8}};

    using QFloatBinary::QFloatBinary;
    void compute(Context& context) const { QFloatBinary::compute(context, kernels::float_add); }
};

struct QFloatMul : QFloatBinary {
    static constexpr Signature kSignature{
        "QFloatMul", {ort::ElementType::int8, ort::ElementType::int8}, {ort::ElementType::int8}};

    using QFloatBinary::QFloatBinary;
    void compute(Context& context) const { QFloatBinary::compute(context, kernels::float_mul); }
};

}  // namespace qudnn::ops
