#include "ops/conv/float_conv.h"

namespace qudnn::ops {

QConvToFloat::QConvToFloat(const ort::Attributes& attributes)
    : windows(attributes, true), x_zero_point(attributes.integer("x_zero_point", -128, 127)) {}

void QConvToFloat::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    const plan::ConvProblem problem =
        windows.problem(x.shape, w.shape, x_zero_point, plan::DataType::float32);
    const kernels::Epilogue epilogue{
        .bias = per_channel<int32_t>(context.input(2), problem.k, "bias"),
        .multiplier = per_channel<float>(context.input(3), problem.k, "multiplier"),
        .addend = per_channel<float>(context.input(4), problem.k, "addend")};
    const ort::Tensor y = context.output(0, windows.result_shape(problem));
    run_aligned(problem, {x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, x_zero_point},
                context);
}

void QConvToFloat::infer(const ort::InferenceContext& context) {
    Windows<2>(context.attributes(), true).infer(context, 1, kSignature.outputs[0]);
}

ConvFloatAddition::ConvFloatAddition(const ort::Attributes& attributes)
    : r_scale(attributes.real("r_scale")),
      y_scale(attributes.real("y_scale")),
      r_zero_point(attributes.integer("r_zero_point", -128, 127)) {
    require(kernels::divides_exactly(y_scale), "y_scale does not lie between 1e-30 and 1e30");
}

kernels::Residual ConvFloatAddition::residual(const int8_t* r) const {
    kernels::Residual residual;
    residual.r = r;
    residual.scales.b_scale = r_scale;
    residual.scales.b_zero_point = r_zero_point;
    residual.scales.y_scale = y_scale;
    residual.in_float = true;
    return residual;
}

QConvFloatAdd::QConvFloatAdd(const ort::Attributes& attributes)
    : windows(attributes, true),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      requantize(attributes),
      addition(attributes) {}

void QConvFloatAdd::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor r = context.input(1);
    const ort::Tensor w = context.input(2);
    plan::ConvProblem problem = windows.problem(x.shape, w.shape, x_zero_point, plan::DataType::int8);
    problem.clamps_above = requantize.clamps_above();
    problem.adds = plan::adds_in_float;
    const kernels::Epilogue epilogue = requantize.epilogue(context.input(3), context.input(4), problem.k);
    const ort::Tensor y = context.output(0, windows.result_shape(problem));
    require(r.shape == y.shape, "the shapes of the residual and the result differ");
    plan::Arguments arguments{x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, x_zero_point};
    arguments.residual = addition.residual(r.as<const int8_t>());
    run_aligned(problem, arguments, context);
}

void QConvFloatAdd::infer(const ort::InferenceContext& context) {
    Windows<2>(context.attributes(), true).infer(context, 2, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
