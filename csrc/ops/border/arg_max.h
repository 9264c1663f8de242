// ArgMaxFromIsland: an exit that tells places instead of values.
#pragma once

#include "ops/shared/op.h"

namespace qudnn::ops {

// x [...,Cp] int8 -> [...] int64: the place of the greatest, or least, of the first `channels`.
struct ArgMaxFromIsland {
    static constexpr Signature kSignature{
        "ArgMaxFromIsland", {ort::ElementType::int8}, {ort::ElementType::int64}};

    int64_t channels;  // at most: x may have fewer
    bool least, last;

    explicit ArgMaxFromIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
