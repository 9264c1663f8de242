#include "ops/gemm/matmul.h"

#include <utility>

#include "kernels/elementwise/add.h"
#include "plan/tuning/explanation.h"

namespace qudnn::ops {

plan::MatMulProblem matmul_problem(const ort::Shape& x, const ort::Shape& w, plan::DataType y_type) {
    require(x.rank() >= 1 && w.rank() == 2, "x has to have a channel dimension, w two dimensions");
    require(x.back() == w[1], "channels do not fit w");
    plan::MatMulProblem problem;
    problem.m = 1;
    for (size_t i = 0; i + 1 < x.rank(); ++i) problem.m *= x[i];
    problem.k = w[0];
    problem.c = problem.x_stride = w[1];
    problem.y_type = y_type;
    return problem;
}

ort::Shape result_shape(const ort::Shape& x, const plan::MatMulProblem& problem) {
    ort::Shape shape = x;
    shape[shape.rank() - 1] = problem.k;
    return shape;
}

void infer_matmul(const ort::InferenceContext& context, size_t w_index, ort::ElementType type) {
    std::vector<ort::Dim> dims = context.input(0);
    const std::vector<ort::Dim> w = context.input(w_index);
    if (dims.empty() || w.size() != 2) return;
    dims.back() = w[0];
    context.set_output(0, type, dims);
}

void QMatMul::run(Context& context, const int8_t* table) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    plan::MatMulProblem problem = matmul_problem(x.shape, w.shape, plan::DataType::int8);
    problem.clamps_above = requantize.clamps_above();
    problem.looks_up = table != nullptr;
    kernels::Epilogue epilogue = requantize.epilogue(context.input(2), context.input(3), problem.k);
    epilogue.table = table;
    const ort::Tensor y = context.output(0, result_shape(x.shape, problem));
    run_aligned(problem, {x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, 0}, context);
}

void QMatMul::infer(const ort::InferenceContext& context) { infer_matmul(context, 1, kSignature.outputs[0]); }

QMatMulAdd::QMatMulAdd(const ort::Attributes& attributes)
    : requantize(attributes),
      scales(read_binary_scales(attributes, "sum")),
      result_first(attributes.integer("result_first", 0, 1) != 0),
      moderate(kernels::sums_are_moderate(scales)) {}

void QMatMulAdd::run(Context& context, const int8_t* table) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(2);
    plan::MatMulProblem problem = matmul_problem(x.shape, w.shape, plan::DataType::int8);
    problem.clamps_above = requantize.clamps_above();
    problem.adds_constant = moderate;
    problem.looks_up = moderate && table != nullptr;
    kernels::Residual constant{.r = per_channel<int8_t>(context.input(1), problem.k, "constant"),
                               .scales = scales,
                               .y_first = result_first,
                               .per_channel = true};
    const kernels::Epilogue epilogue = requantize.epilogue(context.input(3), context.input(4), problem.k);
    const ort::Tensor y = context.output(0, result_shape(x.shape, problem));
    const int64_t count = y.shape.count();
    // As QAdd: of one element alone, onnxruntime exchanges the operands.
    if (count == 1) {
        constant.y_first = !result_first;
        std::swap(constant.scales.a_scale, constant.scales.b_scale);
        std::swap(constant.scales.a_zero_point, constant.scales.b_zero_point);
    }
    plan::Arguments arguments{x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, 0};
    if (moderate) arguments.epilogue.table = table, arguments.residual = constant;
    if (!moderate)
        plan::explain_slow_kernel(context, "with the addition in the matmul",
                                  "scales whose sums may be too large");
    run_aligned(problem, arguments, context);
    if (moderate || count == 0) return;
    check_cuda(kernels::add_residual(count, problem.k, constant, table, y.as<int8_t>(), context.stream()));
}

void QMatMulAdd::infer(const ort::InferenceContext& context) {
    infer_matmul(context, 2, kSignature.outputs[0]);
}

void QProjections::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    plan::MatMulProblem problem = matmul_problem(x.shape, w.shape, plan::DataType::int8);
    problem.zero_point_per_channel = true;
    const kernels::Epilogue epilogue{
        .bias = per_channel<int32_t>(context.input(2), problem.k, "bias"),
        .multiplier = per_channel<float>(context.input(3), problem.k, "multiplier"),
        .zero_points = per_channel<float>(context.input(4), problem.k, "y_zero_point")};
    const ort::Tensor y = context.output(0, result_shape(x.shape, problem));
    run_aligned(problem, {x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, 0}, context);
}

void QProjections::infer(const ort::InferenceContext& context) {
    infer_matmul(context, 1, kSignature.outputs[0]);
}

void QMatMulToFloat::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    const plan::MatMulProblem problem = matmul_problem(x.shape, w.shape, plan::DataType::float32);
    const kernels::Epilogue epilogue{
        .bias = per_channel<int32_t>(context.input(2), problem.k, "bias"),
        .multiplier = per_channel<float>(context.input(3), problem.k, "multiplier"),
        .addend = per_channel<float>(context.input(4), problem.k, "addend")};
    const ort::Tensor y = context.output(0, result_shape(x.shape, problem));
    run_aligned(problem, {x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, 0}, context);
}

void QMatMulToFloat::infer(const ort::InferenceContext& context) {
    infer_matmul(context, 1, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
