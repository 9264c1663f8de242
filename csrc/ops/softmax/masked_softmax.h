// QMaskedSoftmax, the softmax of attention.
#pragma once

#include "kernels/softmax/masked_softmax.h"
#include "ops/shared/appended_channels.h"

namespace qudnn::ops {

// The softmax of the first `channels` of each row of x, written to rows of y_stride. Throws if the mask would
// broadcast x to a larger shape.
kernels::MaskedSoftmaxGeometry masked_softmax_geometry(const ort::Shape& x, const ort::Shape& mask,
                                                       int64_t channels, int64_t y_stride);

// x [...,Cp] int8, mask float32 that broadcasts to [...,channels] -> [...,Cp] int8, over the first
// `channels`.
struct QMaskedSoftmax {
    static constexpr Signature kSignature{
        "QMaskedSoftmax", {ort::ElementType::int8, ort::ElementType::float32}, {ort::ElementType::int8}};

    AppendedChannels appended;
    kernels::MaskedSoftmaxScales scales;

    explicit QMaskedSoftmax(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
