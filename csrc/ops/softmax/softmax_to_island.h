// SoftmaxToIsland, the softmax of attention whose scores are in float32.
#pragma once

#include "kernels/softmax/softmax_to_island.h"
#include "ops/shared/appended_channels.h"

namespace qudnn::ops {

// x [...,C] float32, mask float32 that broadcasts to it -> [...,Cp] int8.
struct SoftmaxToIsland {
    static constexpr Signature kSignature{
        "SoftmaxToIsland", {ort::ElementType::float32, ort::ElementType::float32}, {ort::ElementType::int8}};

    AppendedChannels appended;
    kernels::ScoreScales scales;

    explicit SoftmaxToIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
