#include "ops/conv.h"

#include "ops/window.h"

namespace qudnn::ops {

QConv::QConv(const ort::Attributes& attributes)
    : pads(attributes.integers<4>("pads")),
      strides(attributes.integers<2>("strides")),
      dilations(attributes.integers<2>("dilations")),
      group(attributes.integer("group")),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      requantize(attributes) {
    for (const int64_t pad : pads) require(pad >= 0, "negative pads");
    for (const int64_t step : {strides[0], strides[1], dilations[0], dilations[1]}) {
        require(step >= 1, "strides and dilations have to be positive");
    }
    require(group >= 1, "group has to be positive");
}

void QConv::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    require(x.shape.rank() == 4 && w.shape.rank() == 4, "x and w have to be of rank 4");

    plan::ConvProblem problem;
    problem.n = x.shape[0], problem.h = x.shape[1], problem.w = x.shape[2], problem.c = x.shape[3];
    problem.k = w.shape[0], problem.r = w.shape[1], problem.s = w.shape[2];
    problem.pad_top = pads[0], problem.pad_left = pads[1], problem.pad_bottom = pads[2],
    problem.pad_right = pads[3];
    problem.stride_h = strides[0], problem.stride_w = strides[1];
    problem.dilation_h = dilations[0], problem.dilation_w = dilations[1];
    problem.group = group;
    require(problem.c == w.shape[3] * group && problem.k % group == 0, "channels do not fit w and group");
    problem.p = window_count(problem.h, pads[0], pads[2], problem.r, strides[0], dilations[0]);
    problem.q = window_count(problem.w, pads[1], pads[3], problem.s, strides[1], dilations[1]);
    problem.x_stride = {problem.h * problem.w * problem.c, problem.w * problem.c, problem.c, 1};
    problem.pads_with_value = problem.padded() && x_zero_point != 0;
    problem.clamps_above = requantize.clamps_above();

    const kernels::Epilogue epilogue = requantize.epilogue(context.input(2), context.input(3), problem.k);
    const ort::Tensor y = context.output(0, {problem.n, problem.p, problem.q, problem.k});
    if (y.shape.count() == 0) return;
    const plan::Arguments arguments{x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue,
                                    x_zero_point};
    problem.alignment = alignment(arguments);
    plan::run(problem, arguments, context);
}

void QConv::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    const std::vector<ort::Dim> w = context.input(1);
    if (x.size() != 4 || w.size() != 4) return;
    const QConv op(context.attributes());
    const auto window = [&](size_t axis) {
        const ort::Dim& taps = w[axis + 1];
        if (taps.extent < 0) return ort::Dim{};
        return window_dim(x[axis + 1], op.pads[axis], op.pads[axis + 2], taps.extent, op.strides[axis],
                          op.dilations[axis]);
    };
    context.set_output(0, kSignature.outputs[0], {x[0], window(0), window(1), w[0]});
}

}  // namespace qudnn::ops
