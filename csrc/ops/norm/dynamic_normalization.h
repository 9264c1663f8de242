// Layer normalizations in float32 whose results are quantized dynamically.
#pragma once

#include "ops/border/dynamic_entry.h"
#include "ops/shared/appended_channels.h"

namespace qudnn::ops {

// x [...,C] float32, gamma and beta [C] float32, w_sum [S] int32, w_scale [S] float32 -> y [...,C] float32,
// which a node may leave out, q [...,Cp] int8, bias [S] int32 and multiplier [S] float32, as DynamicResult
// has them.
struct DynamicLayerNormalizationToIsland {
    static constexpr Signature kSignature{
        "DynamicLayerNormalizationToIsland",
        {ort::ElementType::float32, ort::ElementType::float32, ort::ElementType::float32,
         ort::ElementType::int32, ort::ElementType::float32},
        {ort::ElementType::float32, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32},
        1};

    AppendedChannels appended;
    float epsilon;

    explicit DynamicLayerNormalizationToIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// a and b [...,C] float32, then the inputs above from gamma on -> a + b [...,C] float32, which a node may
// leave out, and the results above.
struct DynamicAddLayerNormalizationToIsland {
    static constexpr Signature kSignature{
        "DynamicAddLayerNormalizationToIsland",
        {ort::ElementType::float32, ort::ElementType::float32, ort::ElementType::float32,
         ort::ElementType::float32, ort::ElementType::int32, ort::ElementType::float32},
        {ort::ElementType::float32, ort::ElementType::float32, ort::ElementType::int8,
         ort::ElementType::int32, ort::ElementType::float32},
        2};

    AppendedChannels appended;
    float epsilon;

    explicit DynamicAddLayerNormalizationToIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
