// QLayerNormalization, between an island's tensors, alone and with the mean of its rows; and
// QLayerNormalizationToFloat, which leaves it.
#pragma once

#include "kernels/norm/layer_normalization.h"
#include "ops/shared/appended_channels.h"

namespace qudnn::ops {

// x [...,Cp] int8, gamma and beta [channels] float32 -> [...,Cp] int8, over the first `channels`.
struct QLayerNormalization {
    static constexpr Signature kSignature{
        "QLayerNormalization",
        {ort::ElementType::int8, ort::ElementType::float32, ort::ElementType::float32},
        {ort::ElementType::int8}};

    AppendedChannels appended;
    kernels::NormalizationScales scales;

    explicit QLayerNormalization(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [...,Cp] int8, gamma and beta [channels] float32 -> [...,channels] float32.
struct QLayerNormalizationToFloat {
    static constexpr Signature kSignature{
        "QLayerNormalizationToFloat",
        {ort::ElementType::int8, ort::ElementType::float32, ort::ElementType::float32},
        {ort::ElementType::float32}};

    int64_t channels;  // at most: x may have fewer
    kernels::NormalizationScales scales;

    explicit QLayerNormalizationToFloat(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [N,spatial...,Cp] int8, gamma and beta [channels] float32 -> [N,1...,Cp] int8, over the first `channels`.
struct QLayerNormalizationGlobalAveragePool {
    static constexpr Signature kSignature{
        "QLayerNormalizationGlobalAveragePool",
        {ort::ElementType::int8, ort::ElementType::float32, ort::ElementType::float32},
        {ort::ElementType::int8}};

    AppendedChannels appended;
    kernels::NormalizationScales scales;

    explicit QLayerNormalizationGlobalAveragePool(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
