#include "ops/norm/layer_normalization.h"

namespace qudnn::ops {

QLayerNormalization::QLayerNormalization(const ort::Attributes& attributes)
    : appended(attributes),
      scales{attributes.real("x_scale"), attributes.real("y_scale"),
             attributes.integer("x_zero_point", -128, 127), attributes.integer("y_zero_point", -128, 127),
             attributes.real("epsilon")} {}

void QLayerNormalization::compute(Context& context) const {
    const ort::Tensor x = context.input(0), gamma = context.input(1), beta = context.input(2);
    const int64_t channels = appended.taken(x.shape);
    require(gamma.shape == ort::Shape{channels} && beta.shape == gamma.shape,
            "gamma and beta do not have a value for each channel");
    const ort::Tensor y = context.output(0, appended.result(x.shape));
    if (y.shape.count() == 0) return;
    require(channels > 0, "x has no channels");
    check_cuda(kernels::layer_normalization(
        {y.shape.count() / y.shape.back(), channels, x.shape.back(), y.shape.back()}, scales,
        x.as<const int8_t>(), gamma.as<const float>(), beta.as<const float>(), y.as<int8_t>(),
        context.stream()));
}

void QLayerNormalization::infer(const ort::InferenceContext& context) {
    AppendedChannels(context.attributes()).infer(context, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
