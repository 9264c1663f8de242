// QAddLayerNormalization, between an island's tensors.
#pragma once

#include "kernels/layer_normalization.h"
#include "kernels/pair.h"
#include "ops/appended_channels.h"

namespace qudnn::ops {

// a, b [...,Cp] int8, gamma and beta [channels] float32 -> the sum [...,Cp] int8, which a node may leave out,
// and [...,Cp] int8, over the first `channels`.
struct QAddLayerNormalization {
    static constexpr Signature kSignature{"QAddLayerNormalization",
                                          {ort::ElementType::int8, ort::ElementType::int8,
                                           ort::ElementType::float32, ort::ElementType::float32},
                                          {ort::ElementType::int8, ort::ElementType::int8},
                                          1};

    AppendedChannels appended;
    kernels::PairScales sum;
    kernels::NormalizationScales scales;

    explicit QAddLayerNormalization(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
