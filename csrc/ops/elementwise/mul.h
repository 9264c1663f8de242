// QMul, the quantized multiplication of an island.
#pragma once

#include "ops/shared/binary.h"

namespace qudnn::ops {

// a, b int8, broadcast -> int8.
struct QMul {
    static constexpr Signature kSignature{
        "QMul", {ort::ElementType::int8, ort::ElementType::int8}, {ort::ElementType::int8}};

    kernels::BinaryScales scales;

    explicit QMul(const ort::Attributes& attributes) : scales(read_binary_scales(attributes)) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
