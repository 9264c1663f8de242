// QAdd, the quantized addition of an island.
#pragma once

#include "ops/shared/binary.h"

namespace qudnn::ops {

// a, b int8, broadcast -> int8.
struct QAdd {
    static constexpr Signature kSignature{
        "QAdd", {ort::ElementType::int8, ort::ElementType::int8}, {ort::ElementType::int8}};

    kernels::BinaryScales scales;

    explicit QAdd(const ort::Attributes& attributes) : scales(read_binary_scales(attributes)) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
