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

QLayerNormalizationToFloat::QLayerNormalizationToFloat(const ort::Attributes& attributes)
    : channels(attributes.integer("channels")),
      scales{attributes.real("x_scale"), 1.0f, attributes.integer("x_zero_point", -128, 127), 0,
             attributes.real("epsilon")} {
    require(channels >= 1, "channels has to be positive");
}

void QLayerNormalizationToFloat::compute(Context& context) const {
    const ort::Tensor x = context.input(0), gamma = context.input(1), beta = context.input(2);
    require(x.shape.rank() >= 1, "x has no channels");
    ort::Shape y_shape = x.shape;
    const int64_t taken = y_shape[y_shape.rank() - 1] = std::min(channels, x.shape.back());
    require(gamma.shape == ort::Shape{taken} && beta.shape == gamma.shape,
            "gamma and beta do not have a value for each channel");
    const ort::Tensor y = context.output(0, y_shape);
    if (y_shape.count() == 0) return;
    check_cuda(kernels::layer_normalization_to_float(
        {y_shape.count() / taken, taken, x.shape.back(), taken}, scales, x.as<const int8_t>(),
        gamma.as<const float>(), beta.as<const float>(), y.as<float>(), context.stream()));
}

void QLayerNormalizationToFloat::infer(const ort::InferenceContext& context) {
    std::vector<ort::Dim> x = context.input(0);
    if (x.empty()) return;
    x.back() = x.back().first(context.attributes().integer("channels"));
    context.set_output(0, kSignature.outputs[0], x);
}

}  // namespace qudnn::ops
