// QTable, any function of one quantized tensor.
#pragma once

#include "ops/op.h"

namespace qudnn::ops {

// x int8 of any shape, table int8 [256] or [channels,256], channels being x's last dimension -> int8 of x's
// shape.
struct QTable {
    static constexpr Signature kSignature{
        "QTable", {ort::ElementType::int8, ort::ElementType::int8}, {ort::ElementType::int8}};

    explicit QTable(const ort::Attributes&) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
