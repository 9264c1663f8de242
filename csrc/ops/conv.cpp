#include "ops/conv.h"

#include "kernels/elementwise/add.h"
#include "ops/binary.h"
#include "ops/window.h"

namespace qudnn::ops {

Windows::Windows(const ort::Attributes& attributes, bool padded)
    : strides(attributes.extents<2>("strides", 1)),
      dilations(attributes.extents<2>("dilations", 1)),
      group(attributes.extent("group", 1)) {
    if (padded) pads = attributes.extents<4>("pads", 0);
}

plan::ConvProblem Windows::problem(const ort::Shape& x, const ort::Shape& w, int x_zero_point,
                                   plan::DataType y_type) const {
    require(x.rank() == 4 && w.rank() == 4, "x and w have to be of rank 4");
    plan::ConvProblem problem;
    problem.n = x[0], problem.h = x[1], problem.w = x[2], problem.c = x[3];
    problem.k = w[0], problem.r = w[1], problem.s = w[2];
    problem.pad_top = pads[0], problem.pad_left = pads[1], problem.pad_bottom = pads[2],
    problem.pad_right = pads[3];
    problem.stride_h = strides[0], problem.stride_w = strides[1];
    problem.dilation_h = dilations[0], problem.dilation_w = dilations[1];
    problem.group = group;
    require(problem.c == w[3] * group && problem.k % group == 0, "channels do not fit w and group");
    problem.p = window_count(problem.h, pads[0], pads[2], problem.r, strides[0], dilations[0]);
    problem.q = window_count(problem.w, pads[1], pads[3], problem.s, strides[1], dilations[1]);
    problem.x_stride = {problem.h * problem.w * problem.c, problem.w * problem.c, problem.c, 1};
    problem.pads_with_value = problem.padded() && x_zero_point != 0;
    problem.y_type = y_type;
    plan::check_sizes(problem);
    return problem;
}

void Windows::infer(const ort::InferenceContext& context, size_t w_index, ort::ElementType type,
                    const kernels::OutputPadding& y_padding) const {
    const std::vector<ort::Dim> x = context.input(0);
    const std::vector<ort::Dim> w = context.input(w_index);
    if (x.size() != 4 || w.size() != 4) return;
    const auto window = [&](size_t axis) {
        const ort::Dim& taps = w[axis + 1];
        if (taps.extent < 0) return ort::Dim{};
        return window_dim(x[axis + 1], pads[axis], pads[axis + 2], taps.extent, strides[axis],
                          dilations[axis]);
    };
    context.set_output(0, type, padded({x[0], window(0), window(1), w[0]}, y_padding));
}

ort::Shape result_shape(const plan::ConvProblem& problem) {
    return padded(ort::Shape{problem.n, problem.p, problem.q, problem.k}, problem.y_padding);
}

QConv::QConv(const ort::Attributes& attributes)
    : windows(attributes, true),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      requantize(attributes),
      y_padding(output_padding(attributes)) {}

void QConv::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    plan::ConvProblem problem = windows.problem(x.shape, w.shape, x_zero_point, plan::DataType::int8);
    problem.clamps_above = requantize.clamps_above();
    problem.y_padding = y_padding;
    plan::check_sizes(problem);
    const kernels::Epilogue epilogue = requantize.epilogue(context.input(2), context.input(3), problem.k);
    const ort::Tensor y = context.output(0, result_shape(problem));
    run_aligned(problem, {x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, x_zero_point},
                context);
}

void QConv::infer(const ort::InferenceContext& context) {
    Windows(context.attributes(), true)
        .infer(context, 1, kSignature.outputs[0], output_padding(context.attributes()));
}

QConvAdd::QConvAdd(const ort::Attributes& attributes)
    : windows(attributes, true),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      requantize(attributes),
      scales(read_binary_scales(attributes, "sum")),
      result_first(attributes.integer("result_first", 0, 1) != 0),
      moderate(kernels::sums_are_moderate(scales)) {}

void QConvAdd::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor r = context.input(1);
    const ort::Tensor w = context.input(2);
    plan::ConvProblem problem = windows.problem(x.shape, w.shape, x_zero_point, plan::DataType::int8);
    problem.clamps_above = requantize.clamps_above();
    if (moderate) problem.adds = plan::adds_rounded;
    const kernels::Epilogue epilogue = requantize.epilogue(context.input(3), context.input(4), problem.k);
    const ort::Tensor y = context.output(0, result_shape(problem));
    require(r.shape == y.shape, "the residual has another shape than the result");
    const kernels::Residual residual{r.as<const int8_t>(), scales, result_first};
    plan::Arguments arguments{x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, x_zero_point};
    if (moderate) arguments.residual = residual;
    run_aligned(problem, arguments, context);
    if (moderate || y.shape.count() == 0) return;
    check_cuda(kernels::add_residual(y.shape.count(), residual, y.as<int8_t>(), context.stream()));
}

void QConvAdd::infer(const ort::InferenceContext& context) {
    Windows(context.attributes(), true).infer(context, 2, kSignature.outputs[0]);
}

QConvToInt32::QConvToInt32(const ort::Attributes& attributes)
    : windows(attributes, true), x_zero_point(attributes.integer("x_zero_point", -128, 127)) {}

void QConvToInt32::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    const plan::ConvProblem problem = windows.problem(x.shape, w.shape, x_zero_point, plan::DataType::int32);
    const kernels::Epilogue epilogue{.bias = per_channel<int32_t>(context.input(2), problem.k, "bias")};
    const ort::Tensor y = context.output(0, result_shape(problem));
    run_aligned(problem, {x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, x_zero_point},
                context);
}

void QConvToInt32::infer(const ort::InferenceContext& context) {
    Windows(context.attributes(), true).infer(context, 1, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
