// QWhere, the choice between an island's tensors, element by element.
#pragma once

#include "ops/shared/op.h"

namespace qudnn::ops {

// condition bool, x and y int8, broadcast -> int8.
struct QWhere {
    static constexpr Signature kSignature{
        "QWhere",
        {ort::ElementType::boolean, ort::ElementType::int8, ort::ElementType::int8},
        {ort::ElementType::int8}};

    explicit QWhere(const ort::Attributes&) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
