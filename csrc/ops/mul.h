// QMul, the quantized product of an island.
#pragma once

#include "ops/pair.h"

namespace qudnn::ops {

// a, b int8, broadcast -> int8.
struct QMul {
    static constexpr Signature kSignature{
        "QMul", {ort::ElementType::int8, ort::ElementType::int8}, {ort::ElementType::int8}};

    kernels::PairScales scales;

    explicit QMul(const ort::Attributes& attributes) : scales(read_pair_scales(attributes)) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
