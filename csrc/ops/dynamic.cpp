#include "ops/dynamic.h"

#include "kernels/dynamic_epilogue.h"
#include "ops/matmul.h"

namespace qudnn::ops {

namespace {

constexpr size_t kX = 0, kXScale = 1, kXZeroPoint = 2, kW = 3, kWSum = 4, kWScale = 5, kAddend = 6;

// Runs a product of an x that was quantized at run time: bias and multiplier are made on the GPU first.
template <class P>
void run_dynamic(const P& problem, void* y, const Context& context) {
    if (problem.y_elements() == 0) return;
    const ort::Tensor x_scale = context.input(kXScale), x_zero_point = context.input(kXZeroPoint);
    require(x_scale.shape.count() == 1 && x_zero_point.shape.count() == 1,
            "x_scale and x_zero_point have to be scalars");
    const auto* w_sum = per_channel<int32_t>(context.input(kWSum), problem.k, "w_sum");
    const auto* w_scale = per_channel<float>(context.input(kWScale), problem.k, "w_scale");
    const auto* addend = per_channel<float>(context.input(kAddend), problem.k, "addend");

    const int64_t multiplier_at = (problem.k + 3) / 4 * 4;  // in elements: keeps the alignment
    const auto workspace =
        context.workspace(static_cast<size_t>(multiplier_at) * sizeof(int32_t) + problem.k * sizeof(float));
    auto* bias = static_cast<int32_t*>(workspace->data());
    auto* multiplier = reinterpret_cast<float*>(bias + multiplier_at);
    check_cuda(kernels::dynamic_epilogue(problem.k, x_scale.as<const float>(),
                                         x_zero_point.as<const int8_t>(), w_sum, w_scale, bias, multiplier,
                                         context.stream()));
    const kernels::Epilogue epilogue{.bias = bias, .multiplier = multiplier, .addend = addend};
    run_aligned(problem,
                {context.input(kX).as<const int8_t>(), context.input(kW).as<const int8_t>(), y, epilogue, 0},
                context);
}

}  // namespace

void DynamicQMatMul::compute(Context& context) const {
    const ort::Shape x = context.input(kX).shape;
    const plan::MatMulProblem problem = matmul_problem(x, context.input(kW).shape, plan::DataType::float32);
    run_dynamic(problem, context.output(0, result_shape(x, problem)).data, context);
}

void DynamicQMatMul::infer(const ort::InferenceContext& context) {
    infer_matmul(context, kW, kSignature.outputs[0]);
}

void DynamicQConv::compute(Context& context) const {
    const plan::ConvProblem problem =
        windows.problem(context.input(kX).shape, context.input(kW).shape, 0, plan::DataType::float32);
    run_dynamic(problem, context.output(0, result_shape(problem)).data, context);
}

void DynamicQConv::infer(const ort::InferenceContext& context) {
    Windows(context.attributes(), false).infer(context, kW, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
