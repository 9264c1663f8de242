// Matmuls of two computed tensors: QBatchMatMul, and its forms with other results.
#pragma once

#include "ops/shared/batch_matmul_layout.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

constexpr Signature batch_matmul_signature(plan::DataType y_type) {
    using ort::ElementType;
    switch (y_type) {
        case plan::DataType::int32:
            return {"QBatchMatMulToInt32",
                    {ElementType::int8, ElementType::int8, ElementType::int8},
                    {ElementType::int32}};
        case plan::DataType::float32:
            return {"QBatchMatMulToFloat",
                    {ElementType::int8, ElementType::int8, ElementType::int32, ElementType::float32,
                     ElementType::int8, ElementType::float32},
                    {ElementType::float32}};
        default:
            return {"QBatchMatMul",
                    {ElementType::int8, ElementType::int8, ElementType::int32, ElementType::float32,
                     ElementType::int8},
                    {ElementType::int8}};
    }
}

// a and b int8, of any ranks from 2 on, to y of type kType; see BatchMatMulLayout. In this order:
//   int8     a, b, bias int32, multiplier float32, b_zero_point int8
//   float32  the same, addend float32
//   int32    a, b, b_zero_point
// where all but a and b are [1] or [N].
template <plan::DataType kType>
struct BatchMatMul {
    static constexpr Signature kSignature = batch_matmul_signature(kType);

    BatchMatMulLayout layout;
    int a_zero_point;
    int y_zero_point = 0, y_min = -128, y_max = 127;

    explicit BatchMatMul(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

using QBatchMatMul = BatchMatMul<plan::DataType::int8>;
using QBatchMatMulToFloat = BatchMatMul<plan::DataType::float32>;
using QBatchMatMulToInt32 = BatchMatMul<plan::DataType::int32>;

extern template struct BatchMatMul<plan::DataType::int8>;
extern template struct BatchMatMul<plan::DataType::float32>;
extern template struct BatchMatMul<plan::DataType::int32>;

}  // namespace qudnn::ops
