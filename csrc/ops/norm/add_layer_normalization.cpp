#include "ops/norm/add_layer_normalization.h"

namespace qudnn::ops {

namespace {

kernels::BinaryScales read_sum(const ort::Attributes& attributes, int offset) {
    const auto zero_point = [&](const char* name) {
        return attributes.integer(name, offset - 128, offset + 127);
    };
    return {attributes.real("a_scale"),
            attributes.real("b_scale"),
            attributes.real("sum_scale"),
            zero_point("a_zero_point"),
            zero_point("b_zero_point"),
            zero_point("sum_zero_point"),
            offset};
}

}  // namespace

NormalizedSum::NormalizedSum(const ort::Attributes& attributes, int offset)
    : appended(attributes),
      sum(read_sum(attributes, offset)),
      scales{sum.y_scale, attributes.real("y_scale"), sum.y_zero_point - sum.offset,
             attributes.integer("y_zero_point", -128, 127), attributes.real("epsilon")} {}

void NormalizedSum::compute(Context& context, decltype(kernels::add_layer_normalization)* normalize,
                            decltype(kernels::add)* add, bool exchanges) const {
    ort::Tensor a = context.input(0), b = context.input(1);
    const ort::Tensor gamma = context.input(2), beta = context.input(3);
    require(a.shape == b.shape, "the shapes of a and b differ");
    const int64_t channels = appended.taken(a.shape);
    require(gamma.shape == ort::Shape{channels} && beta.shape == gamma.shape,
            "gamma and beta do not have a value for each channel");
    auto* total = context.optional_output(0, a.shape).as<int8_t>();
    const ort::Tensor y = context.output(1, appended.result(a.shape));
    if (y.shape.count() == 0) return;
    require(channels > 0, "a has no channels");
    const kernels::NormalizationGeometry g{y.shape.count() / y.shape.back(), channels, a.shape.back(),
                                           y.shape.back()};
    kernels::BinaryScales s = sum;
    if (exchanges && a.shape.count() == 1) {  // as QAdd does with one element
        std::swap(a, b);
        std::swap(s.a_scale, s.b_scale);
        std::swap(s.a_zero_point, s.b_zero_point);
    }
    if (kernels::adds_in_one_pass(g)) {
        check_cuda(normalize(g, s, scales, a.as<const int8_t>(), b.as<const int8_t>(),
                             gamma.as<const float>(), beta.as<const float>(), total, y.as<int8_t>(),
                             context.stream()));
        return;
    }
    const auto workspace = context.workspace(total == nullptr ? static_cast<size_t>(a.shape.count()) : 0);
    if (total == nullptr) total = static_cast<int8_t*>(workspace->data());
    check_cuda(add(kernels::Broadcast<2>::none(a.shape.count()), s, a.as<const int8_t>(),
                   b.as<const int8_t>(), total, context.stream()));
    check_cuda(kernels::layer_normalization(g, scales, total, gamma.as<const float>(), beta.as<const float>(),
                                            y.as<int8_t>(), context.stream()));
}

void NormalizedSum::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> a = context.input(0);
    if (!a.empty()) context.set_output(0, QAddLayerNormalization::kSignature.outputs[0], a);
    AppendedChannels(context.attributes()).infer(context, QAddLayerNormalization::kSignature.outputs[1], 1);
}

}  // namespace qudnn::ops
