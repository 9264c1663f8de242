#include "ops/gemm/dynamic_batch_matmul.h"

#include "ops/shared/requantize.h"

namespace qudnn::ops {

namespace {

template <class T>
const T* one(const ort::Tensor& tensor, const char* name) {
    if (tensor.shape != ort::Shape{1})
        throw std::invalid_argument(std::string(name) + " does not have the shape [1]");
    return tensor.as<const T>();
}

}  // namespace

void DynamicQBatchMatMul::compute(Context& context) const {
    const ort::Tensor a = context.input(0), b = context.input(1);
    const PlacedMatMul matmul = layout.place(a.shape, b.shape);
    plan::BatchMatMulProblem problem = matmul.problem;
    problem.y_type = plan::DataType::float32;
    const plan::Arguments arguments{
        .x = a.as<const int8_t>() + matmul.a_offset,
        .w = b.as<const int8_t>() + matmul.b_offset,
        .y = context.output(0, matmul.y).data,
        .epilogue = {.bias = nullptr},
        .x_zero_point = 0,
        .found = {one<int32_t>(context.input(2), "a_zero_point"),
                  one<int32_t>(context.input(3), "b_zero_point"), one<float>(context.input(4), "a_scale"),
                  one<float>(context.input(5), "b_scale")}};
    run_aligned(problem, arguments, context);
}

void DynamicQBatchMatMul::infer(const ort::InferenceContext& context) {
    const BatchMatMulLayout layout(context.attributes(), false);
    const std::vector<ort::Dim> y = layout.infer(context.input(0), context.input(1));
    if (!y.empty()) context.set_output(0, kSignature.outputs[0], y);
}

}  // namespace qudnn::ops
