#include "ops/layer_normalization.h"

#include <algorithm>

namespace qudnn::ops {

namespace {

// pads has ONNX Pad's form; what it adds behind the last dimension, the only place where this op pads.
int64_t read_padding(const ort::Attributes& attributes) {
    const std::vector<int64_t> pads = attributes.integers("pads");
    require(!pads.empty() && pads.size() % 2 == 0 && pads.back() >= 0, "pads does not append channels");
    require(std::all_of(pads.begin(), pads.end() - 1, [](int64_t pad) { return pad == 0; }),
            "pads does more than append channels");
    return pads.back();
}

}  // namespace

QLayerNormalization::QLayerNormalization(const ort::Attributes& attributes)
    : channels(attributes.integer("channels")),
      padding(read_padding(attributes)),
      scales{attributes.real("x_scale"), attributes.real("y_scale"),
             attributes.integer("x_zero_point", -128, 127), attributes.integer("y_zero_point", -128, 127),
             attributes.real("epsilon")} {
    require(channels >= 1, "channels has to be positive");
}

void QLayerNormalization::compute(Context& context) const {
    const ort::Tensor x = context.input(0), gamma = context.input(1), beta = context.input(2);
    require(x.shape.rank() >= 1, "x has no channels");
    const int64_t kept = std::min(channels, x.shape.back());
    require(gamma.shape == ort::Shape{kept} && beta.shape == gamma.shape,
            "gamma and beta do not have a value for each channel");
    ort::Shape shape = x.shape;
    shape[shape.rank() - 1] = kept + padding;
    const ort::Tensor y = context.output(0, shape);
    if (y.shape.count() == 0) return;
    require(kept > 0, "x has no channels");
    check_cuda(kernels::layer_normalization(
        {y.shape.count() / shape.back(), kept, x.shape.back(), shape.back()}, scales, x.as<const int8_t>(),
        gamma.as<const float>(), beta.as<const float>(), y.as<int8_t>(), context.stream()));
}

void QLayerNormalization::infer(const ort::InferenceContext& context) {
    std::vector<ort::Dim> x = context.input(0);
    if (x.empty()) return;
    const QLayerNormalization op(context.attributes());
    x.back() = x.back().first(op.channels);
    if (op.padding > 0) {
        x.back() = x.back().extent < 0 ? ort::Dim{} : ort::Dim::of(x.back().extent + op.padding);
    }
    context.set_output(0, kSignature.outputs[0], x);
}

}  // namespace qudnn::ops
