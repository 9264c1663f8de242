#include "ops/conv3d.h"

#include "ops/window.h"

namespace qudnn::ops {

QConv3D::QConv3D(const ort::Attributes& attributes)
    : pads(attributes.extents<6>("pads", 0)),
      strides(attributes.extents<3>("strides", 1)),
      dilations(attributes.extents<3>("dilations", 1)),
      group(attributes.extent("group", 1)),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      requantize(attributes) {}

void QConv3D::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    require(x.shape.rank() == 5 && w.shape.rank() == 5, "x and w have to be of rank 5");

    plan::Conv3dProblem problem;
    problem.n = x.shape[0], problem.c = x.shape[4], problem.k = w.shape[0];
    problem.d = x.shape[1], problem.h = x.shape[2], problem.w = x.shape[3];
    problem.t = w.shape[1], problem.r = w.shape[2], problem.s = w.shape[3];
    problem.pad_front = pads[0], problem.pad_top = pads[1], problem.pad_left = pads[2];
    problem.pad_back = pads[3], problem.pad_bottom = pads[4], problem.pad_right = pads[5];
    problem.stride_d = strides[0], problem.stride_h = strides[1], problem.stride_w = strides[2];
    problem.dilation_d = dilations[0], problem.dilation_h = dilations[1], problem.dilation_w = dilations[2];
    problem.group = group;
    require(problem.c == w.shape[4] * group && problem.k % group == 0, "channels do not fit w and group");
    problem.z = window_count(problem.d, pads[0], pads[3], problem.t, strides[0], dilations[0]);
    problem.p = window_count(problem.h, pads[1], pads[4], problem.r, strides[1], dilations[1]);
    problem.q = window_count(problem.w, pads[2], pads[5], problem.s, strides[2], dilations[2]);
    problem.pads_with_value = problem.padded() && x_zero_point != 0;
    problem.clamps_above = requantize.clamps_above();
    plan::check_sizes(problem);

    const kernels::Epilogue epilogue = requantize.epilogue(context.input(2), context.input(3), problem.k);
    const ort::Tensor y = context.output(0, {problem.n, problem.z, problem.p, problem.q, problem.k});
    if (y.shape.count() == 0) return;
    const plan::Arguments arguments{x.as<const int8_t>(), w.as<const int8_t>(), y.as<int8_t>(), epilogue,
                                    x_zero_point};
    problem.alignment = alignment(arguments);
    // In two dimensions there are more engines, and faster ones.
    if (const auto flat = plan::as_conv(problem)) return plan::run(*flat, arguments, context);
    plan::run(problem, arguments, context);
}

void QConv3D::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    const std::vector<ort::Dim> w = context.input(1);
    if (x.size() != 5 || w.size() != 5) return;
    const QConv3D op(context.attributes());
    const auto window = [&](size_t axis) {
        const ort::Dim& taps = w[axis + 1];
        if (taps.extent < 0) return ort::Dim{};
        return window_dim(x[axis + 1], op.pads[axis], op.pads[axis + 3], taps.extent, op.strides[axis],
                          op.dilations[axis]);
    };
    context.set_output(0, kSignature.outputs[0], {x[0], window(0), window(1), window(2), w[0]});
}

}  // namespace qudnn::ops
