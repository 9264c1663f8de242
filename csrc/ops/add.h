// QAdd, the quantized addition of an island.
#pragma once

#include "kernels/add.h"
#include "ops/op.h"

namespace qudnn::ops {

// a, b int8, broadcast -> int8.
struct QAdd {
    static constexpr Signature kSignature{
        "QAdd", {ort::ElementType::int8, ort::ElementType::int8}, {ort::ElementType::int8}};

    kernels::AddScales scales;

    explicit QAdd(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
