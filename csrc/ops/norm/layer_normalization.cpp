#include "ops/norm/layer_normalization.h"

#include "kernels/image/float_pool.h"

namespace qudnn::ops {

namespace {

kernels::NormalizationScales normalization_scales(const ort::Attributes& attributes) {
    return {attributes.real("x_scale"), attributes.real("y_scale"),
            attributes.integer("x_zero_point", -128, 127), attributes.integer("y_zero_point", -128, 127),
            attributes.real("epsilon")};
}

}  // namespace

QLayerNormalization::QLayerNormalization(const ort::Attributes& attributes)
    : appended(attributes), scales(normalization_scales(attributes)) {}

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

QLayerNormalizationGlobalAveragePool::QLayerNormalizationGlobalAveragePool(const ort::Attributes& attributes)
    : appended(attributes), scales(normalization_scales(attributes)) {}

void QLayerNormalizationGlobalAveragePool::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() >= 3, "x has to have a batch, spatial and a channel dimension");
    const int64_t channels = appended.taken(x.shape);
    const float* gamma =
        of_channels(context.input(1), channels, "gamma does not have a value for each channel");
    const float* beta =
        of_channels(context.input(2), channels, "beta does not have a value for each channel");
    ort::Shape means = appended.result(x.shape);
    for (size_t i = 1; i + 1 < means.rank(); ++i) means[i] = 1;
    const ort::Tensor y = context.output(0, means);
    if (y.shape.count() == 0) return;
    require(channels > 0, "x has no channels");
    const int64_t rows = x.shape.count() / x.shape.back(), images = x.shape[0];
    require(rows > 0, "x has images without pixels");
    const auto normalized = context.workspace(static_cast<size_t>(rows * channels) * sizeof(float));
    auto* const floats = static_cast<float*>(normalized->data());
    check_cuda(kernels::layer_normalization_to_float({rows, channels, x.shape.back(), channels}, scales,
                                                     x.as<const int8_t>(), gamma, beta, floats,
                                                     context.stream()));
    check_cuda(kernels::quantized_global_average_pool(images, rows / images, channels, y.shape.back(),
                                                      scales.y_scale, scales.y_zero_point, floats,
                                                      y.as<int8_t>(), context.stream()));
}

void QLayerNormalizationGlobalAveragePool::infer(const ort::InferenceContext& context) {
    std::vector<ort::Dim> dims = AppendedChannels(context.attributes()).dims(context.input(0));
    if (dims.size() < 3) return;
    for (size_t i = 1; i + 1 < dims.size(); ++i) dims[i] = ort::Dim::of(1);
    context.set_output(0, kSignature.outputs[0], dims);
}

}  // namespace qudnn::ops
