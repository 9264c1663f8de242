// QTableAdd, QTableMul and QTableDiv: the float32 sum, product and quotient of functions of an island's
// tensors, quantized again.
#pragma once

#include "kernels/elementwise/table_binary.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// a, b int8, broadcast; a_table, b_table float32 [256] or [channels,256], y_scale float32 [1] or [channels],
// channels being the result's last dimension -> int8.
struct QTableBinary {
    using Kernel = decltype(kernels::table_add);

    int y_zero_point;
    kernels::Limits limits;

    explicit QTableBinary(const ort::Attributes& attributes);
    void compute(Context& context, Kernel* kernel) const;
    static void infer(const ort::InferenceContext& context);
};

struct QTableAdd : QTableBinary {
    static constexpr Signature kSignature{
        "QTableAdd",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::float32, ort::ElementType::float32,
         ort::ElementType::float32},
        {ort::ElementType::int8}};

    using QTableBinary::QTableBinary;
    void compute(Context& context) const { QTableBinary::compute(context, kernels::table_add); }
};

struct QTableMul : QTableBinary {
    static constexpr Signature kSignature{
        "QTableMul",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::float32, ort::ElementType::float32,
         ort::ElementType::float32},
        {ort::ElementType::int8}};

    using QTableBinary::QTableBinary;
    void compute(Context& context) const { QTableBinary::compute(context, kernels::table_mul); }
};

struct QTableDiv : QTableBinary {
    static constexpr Signature kSignature{
        "QTableDiv",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::float32, ort::ElementType::float32,
         ort::ElementType::float32},
        {ort::ElementType::int8}};

    using QTableBinary::QTableBinary;
    void compute(Context& context) const { QTableBinary::compute(context, kernels::table_div); }
};

}  // namespace qudnn::ops
