// TableFromIsland: an exit that computes a function of each element.
#pragma once

#include "ops/border/border.h"

namespace qudnn::ops {

// x int8, table [256] or [channels,256] float32 -> float32.
struct TableFromIsland {
    static constexpr Signature kSignature{
        "TableFromIsland", {ort::ElementType::int8, ort::ElementType::float32}, {ort::ElementType::float32}};

    Exit exit;

    explicit TableFromIsland(const ort::Attributes& attributes) : exit(attributes) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
