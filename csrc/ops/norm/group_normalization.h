// QGroupNormalization, between an island's tensors.
#pragma once

#include "kernels/norm/group_normalization.h"
#include "ops/shared/appended_channels.h"

namespace qudnn::ops {

// x [N,...,Cp] int8, gamma and beta [channels] float32 -> [N,...,Cp] int8, over the first `channels`.
struct QGroupNormalization {
    static constexpr Signature kSignature{
        "QGroupNormalization",
        {ort::ElementType::int8, ort::ElementType::float32, ort::ElementType::float32},
        {ort::ElementType::int8}};

    AppendedChannels appended;
    bool of_pixels;  // each by itself
    int64_t groups, each;
    bool centered;
    kernels::NormalizationScales scales;

    explicit QGroupNormalization(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
