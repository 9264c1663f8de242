// QAddLayerNormalization and QFloatAddLayerNormalization, between an island's tensors.
#pragma once

#include "kernels/elementwise/add.h"
#include "kernels/elementwise/binary.h"
#include "kernels/elementwise/float_binary.h"
#include "kernels/norm/add_layer_normalization.h"
#include "kernels/norm/layer_normalization.h"
#include "ops/shared/appended_channels.h"
#include "ops/shared/dtype.h"

namespace qudnn::ops {

// a, b [...,Cp] int8, gamma and beta [channels] float32 -> the sum [...,Cp] int8, which a node may leave out,
// and [...,Cp] int8, over the first `channels`.
struct NormalizedSum {
    static constexpr Signature signature(const char* name) {
        return {name,
                {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::float32,
                 ort::ElementType::float32},
                {ort::ElementType::int8, ort::ElementType::int8},
                1};
    }

    AppendedChannels appended;
    kernels::BinaryScales sum;
    kernels::NormalizationScales scales;

    NormalizedSum(const ort::Attributes& attributes, int offset);
    // normalize: both in one pass. add: the sum alone. exchanges: a single sum is that of b and a.
    void compute(Context& context, decltype(kernels::add_layer_normalization)* normalize,
                 decltype(kernels::add)* add, bool exchanges) const;
    static void infer(const ort::InferenceContext& context);
};

struct QAddLayerNormalization : NormalizedSum {
    static constexpr Signature kSignature = signature("QAddLayerNormalization");

    explicit QAddLayerNormalization(const ort::Attributes& attributes)
        : NormalizedSum(attributes, Dtype(attributes).offset) {}
    void compute(Context& context) const {
        NormalizedSum::compute(context, kernels::add_layer_normalization, kernels::add, true);
    }
};

// The sum is QFloatAdd's.
struct QFloatAddLayerNormalization : NormalizedSum {
    static constexpr Signature kSignature = signature("QFloatAddLayerNormalization");

    explicit QFloatAddLayerNormalization(const ort::Attributes& attributes) : NormalizedSum(attributes, 0) {}
    void compute(Context& context) const {
        const auto add = [](const kernels::Broadcast<2>& g, const kernels::BinaryScales& scales,
                            const int8_t* a, const int8_t* b, int8_t* y, CUstream_st* stream) {
            return kernels::float_add(g, scales, {}, a, b, y, stream);
        };
        NormalizedSum::compute(context, kernels::float_add_layer_normalization, +add, false);
    }
};

}  // namespace qudnn::ops
