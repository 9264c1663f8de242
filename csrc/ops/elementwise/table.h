// QTable, any function of one quantized tensor.
#pragma once

#include "ops/shared/op.h"
#include "ops/shared/output_padding.h"

namespace qudnn::ops {

// x int8 of any shape, table int8 [256] or [channels,256], channels being x's last dimension -> int8 of x's
// shape, images within their padding.
struct QTable {
    static constexpr Signature kSignature{
        "QTable", {ort::ElementType::int8, ort::ElementType::int8}, {ort::ElementType::int8}};

    kernels::OutputPadding y_padding;
    int y_zero_point;  // of the padding

    explicit QTable(const ort::Attributes& attributes)
        : y_padding(output_padding(attributes)), y_zero_point(output_zero_point(attributes, y_padding)) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
