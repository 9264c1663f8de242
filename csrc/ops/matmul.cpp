#include "ops/matmul.h"

namespace qudnn::ops {

void QMatMul::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    require(x.shape.rank() >= 1 && w.shape.rank() == 2,
            "x has to have a channel dimension, w two dimensions");
    require(x.shape.back() == w.shape[1], "channels do not fit w");

    plan::MatMulProblem problem;
    problem.k = w.shape[0];
    problem.c = problem.x_stride = w.shape[1];
    problem.clamps_above = requantize.clamps_above();
    const kernels::Epilogue epilogue = requantize.epilogue(context.input(2), context.input(3), problem.k);

    ort::Shape y_shape = x.shape;
    y_shape[y_shape.rank() - 1] = problem.k;
    const ort::Tensor y = context.output(0, y_shape);
    if (y_shape.count() == 0) return;
    problem.m = y_shape.count() / problem.k;
    const plan::Arguments arguments{x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, 0};
    problem.alignment = alignment(arguments);
    plan::run(problem, arguments, context);
}

void QMatMul::infer(const ort::InferenceContext& context) {
    std::vector<ort::Dim> dims = context.input(0);
    const std::vector<ort::Dim> w = context.input(1);
    if (dims.empty() || w.size() != 2) return;
    dims.back() = w[0];
    context.set_output(0, kSignature.outputs[0], dims);
}

}  // namespace qudnn::ops
