// StepsToIsland: an entry that computes a step function.
#pragma once

#include "ops/border/border.h"

namespace qudnn::ops {

// x float32, thresholds float32 [T], values int8 [T + 2] -> int8.
struct StepsToIsland {
    static constexpr Signature kSignature{
        "StepsToIsland",
        {ort::ElementType::float32, ort::ElementType::float32, ort::ElementType::int8},
        {ort::ElementType::int8}};

    Entry entry;
    int zero_point;

    explicit StepsToIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
