// Normalizations in float32 whose results enter an island.
#pragma once

#include "kernels/norm/normalize_to_island.h"
#include "ops/shared/appended_channels.h"

namespace qudnn::ops {

// x [...,C] float32, gamma and beta [C] float32 -> [...,C] float32, which a node may leave out, and [...,Cp]
// int8.
struct LayerNormalizationToIsland {
    static constexpr Signature kSignature{
        "LayerNormalizationToIsland",
        {ort::ElementType::float32, ort::ElementType::float32, ort::ElementType::float32},
        {ort::ElementType::float32, ort::ElementType::int8},
        1};

    AppendedChannels appended;
    kernels::ToIslandScales scales;

    explicit LayerNormalizationToIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// What the normalizations of a sum have in common.
struct SumToIsland {
    AppendedChannels appended;
    kernels::ToIslandScales scales;
    float x_scale, residual_scale;
    int x_zero_point, residual_zero_point;

    explicit SumToIsland(const ort::Attributes& attributes);

  protected:
    template <typename Run>
    void compute_with(Context& context, Run run) const;
};

// x [...,Cp] int8, bias [C] float32, residual [...,Cp] int8 or [...,C] float32, gamma and beta [C] float32
// -> the sum and y, both [...,C] float32, which a node may leave out, and [...,Cp] int8.
struct AddLayerNormalizationToIsland : SumToIsland {
    static constexpr Signature kSignature{
        "AddLayerNormalizationToIsland",
        {ort::ElementType::int8, ort::ElementType::float32, ort::ElementType::undefined,
         ort::ElementType::float32, ort::ElementType::float32},
        {ort::ElementType::float32, ort::ElementType::float32, ort::ElementType::int8},
        2};

    using SumToIsland::SumToIsland;
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// The same without beta.
struct AddRMSNormalizationToIsland : SumToIsland {
    static constexpr Signature kSignature{
        "AddRMSNormalizationToIsland",
        {ort::ElementType::int8, ort::ElementType::float32, ort::ElementType::undefined,
         ort::ElementType::float32},
        {ort::ElementType::float32, ort::ElementType::float32, ort::ElementType::int8},
        2};

    using SumToIsland::SumToIsland;
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
