#include "ops/conv/conv.h"

#include "kernels/elementwise/add.h"
#include "ops/shared/binary.h"
#include "ops/shared/window.h"
#include "plan/tuning/explanation.h"

namespace qudnn::ops {

template <size_t kDimensions>
Windows<kDimensions>::Windows(const ort::Attributes& attributes, bool padded)
    : strides(attributes.extents<kDimensions>("strides", 1)),
      dilations(attributes.extents<kDimensions>("dilations", 1)),
      group(attributes.extent("group", 1)) {
    if (padded) pads = attributes.extents<2 * kDimensions>("pads", 0);
}

template <size_t kDimensions>
Windows<kDimensions>::Windows() : group(1) {
    strides.fill(1), dilations.fill(1);
}

template <size_t kDimensions>
plan::ConvProblem Windows<kDimensions>::problem(const ort::Shape& x, const ort::Shape& w, int x_zero_point,
                                                plan::DataType y_type) const {
    require(x.rank() == kDimensions + 2 && w.rank() == kDimensions + 2,
            kDimensions == 2 ? "x and w have to be of rank 4" : "x and w have to be of rank 5");
    plan::ConvProblem problem;
    problem.n = x[0], problem.c = x[kDimensions + 1], problem.k = w[0];
    problem.group = group;
    require(problem.c == w[kDimensions + 1] * group && problem.k % group == 0,
            "channels do not fit w and group");
    const auto slide = [&](size_t axis, int64_t& extent, int64_t& taps, int64_t& count, int64_t& before,
                           int64_t& after, int64_t& stride, int64_t& dilation) {
        extent = x[axis + 1], taps = w[axis + 1];
        before = pads[axis], after = pads[axis + kDimensions];
        stride = strides[axis], dilation = dilations[axis];
        count = window_count(extent, before, after, taps, stride, dilation);
    };
    if constexpr (kDimensions == 3)
        slide(0, problem.d, problem.t, problem.z, problem.pad_front, problem.pad_back, problem.stride_d,
              problem.dilation_d);
    slide(kDimensions - 2, problem.h, problem.r, problem.p, problem.pad_top, problem.pad_bottom,
          problem.stride_h, problem.dilation_h);
    slide(kDimensions - 1, problem.w, problem.s, problem.q, problem.pad_left, problem.pad_right,
          problem.stride_w, problem.dilation_w);
    if (!problem.deep())
        problem.x_stride = {problem.h * problem.w * problem.c, problem.w * problem.c, problem.c, 1};
    problem.pads_with_value = problem.padded() && x_zero_point != 0;
    problem.y_type = y_type;
    return problem;
}

template <size_t kDimensions>
ort::Shape Windows<kDimensions>::result_shape(const plan::ConvProblem& problem) {
    if constexpr (kDimensions == 3) return {problem.n, problem.z, problem.p, problem.q, problem.k};
    return padded(ort::Shape{problem.n, problem.p, problem.q, problem.k}, problem.y_padding);
}

template <size_t kDimensions>
std::vector<ort::Dim> Windows<kDimensions>::result_dims(const std::vector<ort::Dim>& x,
                                                        const std::vector<ort::Dim>& w) const {
    if (x.size() != kDimensions + 2 || w.size() != kDimensions + 2) return {};
    std::vector<ort::Dim> y = {x[0]};
    for (size_t axis = 0; axis < kDimensions; ++axis) {
        const ort::Dim& taps = w[axis + 1];
        y.push_back(taps.extent < 0 ? ort::Dim{}
                                    : window_dim(x[axis + 1], pads[axis], pads[axis + kDimensions],
                                                 taps.extent, strides[axis], dilations[axis]));
    }
    y.push_back(w[0]);
    return y;
}

template <size_t kDimensions>
void Windows<kDimensions>::infer(const ort::InferenceContext& context, size_t w_index, ort::ElementType type,
                                 const kernels::OutputPadding& y_padding) const {
    const std::vector<ort::Dim> y = result_dims(context.input(0), context.input(w_index));
    if (!y.empty()) context.set_output(0, type, padded(y, y_padding));
}

template struct Windows<2>;
template struct Windows<3>;

QConv::QConv(const ort::Attributes& attributes)
    : windows(attributes, true),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      requantize(attributes),
      y_padding(output_padding(attributes)) {}

void QConv::run(Context& context, const int8_t* table, int table_zero_point) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    plan::ConvProblem problem = windows.problem(x.shape, w.shape, x_zero_point, plan::DataType::int8);
    problem.clamps_above = requantize.clamps_above();
    problem.y_padding = y_padding;
    problem.looks_up = table != nullptr;
    kernels::Epilogue epilogue = requantize.epilogue(context.input(2), context.input(3), problem.k);
    epilogue.table = table, epilogue.table_zero_point = table_zero_point;
    const ort::Tensor y = context.output(0, windows.result_shape(problem));
    run_aligned(problem, {x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, x_zero_point},
                context);
}

void QConv::infer(const ort::InferenceContext& context) {
    Windows<2>(context.attributes(), true)
        .infer(context, 1, kSignature.outputs[0], output_padding(context.attributes()));
}

QConvTable::QConvTable(const ort::Attributes& attributes)
    : conv(attributes),
      table_zero_point(conv.y_padding.any() ? attributes.integer("table_zero_point", -128, 127) : 0) {}

ConvAddition::ConvAddition(const ort::Attributes& attributes)
    : scales(read_binary_scales(attributes, "sum")),
      result_first(attributes.integer("result_first", 0, 1) != 0),
      moderate(kernels::sums_are_moderate(scales)) {}

void ConvAddition::add(const plan::ConvProblem& problem, const int8_t* r, void* y,
                       const plan::Host& host) const {
    const int64_t count = problem.y_elements();
    if (count == 0) return;
    check_cuda(kernels::add_residual(count, problem.k, residual(r), nullptr, static_cast<int8_t*>(y),
                                     host.launch().stream));
}

void ConvAddition::run(plan::ConvProblem problem, plan::Arguments arguments, const int8_t* r,
                       const plan::Host& host) const {
    if (moderate) {
        problem.adds = plan::adds_rounded;
        arguments.residual = residual(r);
        return run_aligned(problem, arguments, host);
    }
    plan::explain_slow_kernel(host, "with the addition in the convolution",
                              "scales whose sums may be too large");
    run_aligned(problem, arguments, host);
    add(problem, r, arguments.y, host);
}

QConvAdd::QConvAdd(const ort::Attributes& attributes)
    : windows(attributes, true),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      requantize(attributes),
      addition(attributes) {}

void QConvAdd::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor r = context.input(1);
    const ort::Tensor w = context.input(2);
    plan::ConvProblem problem = windows.problem(x.shape, w.shape, x_zero_point, plan::DataType::int8);
    problem.clamps_above = requantize.clamps_above();
    const kernels::Epilogue epilogue = requantize.epilogue(context.input(3), context.input(4), problem.k);
    const ort::Tensor y = context.output(0, windows.result_shape(problem));
    require(r.shape == y.shape, "the shapes of the residual and the result differ");
    addition.run(problem, {x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, x_zero_point},
                 r.as<const int8_t>(), context);
}

void QConvAdd::infer(const ort::InferenceContext& context) {
    Windows<2>(context.attributes(), true).infer(context, 2, kSignature.outputs[0]);
}

QConvToInt32::QConvToInt32(const ort::Attributes& attributes)
    : windows(attributes, true), x_zero_point(attributes.integer("x_zero_point", -128, 127)) {}

void QConvToInt32::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    const plan::ConvProblem problem = windows.problem(x.shape, w.shape, x_zero_point, plan::DataType::int32);
    const kernels::Epilogue epilogue{.bias = per_channel<int32_t>(context.input(2), problem.k, "bias")};
    const ort::Tensor y = context.output(0, windows.result_shape(problem));
    run_aligned(problem, {x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, x_zero_point},
                context);
}

void QConvToInt32::infer(const ort::InferenceContext& context) {
    Windows<2>(context.attributes(), true).infer(context, 1, kSignature.outputs[0]);
}

QConv3D::QConv3D(const ort::Attributes& attributes)
    : windows(attributes, true),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      requantize(attributes) {}

void QConv3D::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    plan::ConvProblem problem = windows.problem(x.shape, w.shape, x_zero_point, plan::DataType::int8);
    problem.clamps_above = requantize.clamps_above();
    const kernels::Epilogue epilogue = requantize.epilogue(context.input(2), context.input(3), problem.k);
    const ort::Tensor y = context.output(0, windows.result_shape(problem));
    // In two dimensions there are more engines, and faster ones.
    run_aligned(plan::flattened(problem).value_or(problem),
                {x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, x_zero_point}, context);
}

void QConv3D::infer(const ort::InferenceContext& context) {
    Windows<3>(context.attributes(), true).infer(context, 1, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
