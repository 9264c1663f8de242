// Means of a function of an island's images.
#pragma once

#include "ops/shared/op.h"

namespace qudnn::ops {

// x [N,spatial...,Cp] int8, table [256] or [Cp,256] float32 -> [N,1...,Cp] int8.
struct QTableGlobalAveragePool {
    static constexpr Signature kSignature{"QTableGlobalAveragePool",
                                          {ort::ElementType::int8, ort::ElementType::float32},
                                          {ort::ElementType::int8}};

    float y_scale;
    int y_zero_point;

    explicit QTableGlobalAveragePool(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [N,spatial...,Cp] int8, table [256] or [Cp,256] float32 -> [N,1...,Cp] float32.
struct QTableGlobalAveragePoolToFloat {
    static constexpr Signature kSignature{"QTableGlobalAveragePoolToFloat",
                                          {ort::ElementType::int8, ort::ElementType::float32},
                                          {ort::ElementType::float32}};

    explicit QTableGlobalAveragePoolToFloat(const ort::Attributes&) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
