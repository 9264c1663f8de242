// QAveragePool, the average over windows of an island's images.
#pragma once

#include "kernels/image/average_pool.h"
#include "ops/op.h"

namespace qudnn::ops {

// x [N,H,W,Cp] int8 -> [N,P,Q,Cp] int8.
struct QAveragePool {
    static constexpr Signature kSignature{"QAveragePool", {ort::ElementType::int8}, {ort::ElementType::int8}};

    std::array<int64_t, 2> kernel;
    std::array<int64_t, 4> pads;  // top, left, bottom, right
    std::array<int64_t, 2> strides;
    bool ceil_mode;
    kernels::AverageScales scales;

    explicit QAveragePool(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
