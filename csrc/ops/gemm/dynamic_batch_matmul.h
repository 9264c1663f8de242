// The matmul of two computed tensors whose quantization is found at run time.
#pragma once

#include "ops/shared/batch_matmul_layout.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// a and b int8, of any ranks from 2 on, a_zero_point and b_zero_point int32 [1], a_scale and b_scale float32
// [1] -> float32; see BatchMatMulLayout.
struct DynamicQBatchMatMul {
    static constexpr Signature kSignature{
        "DynamicQBatchMatMul",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::int32,
         ort::ElementType::float32, ort::ElementType::float32},
        {ort::ElementType::float32}};

    BatchMatMulLayout layout;

    explicit DynamicQBatchMatMul(const ort::Attributes& attributes) : layout(attributes, false) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
