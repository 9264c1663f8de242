#include "ops/gemm/dynamic.h"

#include "ops/gemm/matmul.h"

namespace qudnn::ops {

namespace {

constexpr size_t kX = 0, kW = 1, kBias = 2, kMultiplier = 3, kAddend = 4;

// The k values from `first` on.
template <class T>
const T* part_of(const ort::Tensor& tensor, int64_t first, int64_t k, const char* what) {
    require(tensor.shape.rank() == 1 && first <= tensor.shape.count() - k, what);
    return tensor.as<const T>() + first;
}

template <class P>
void run_dynamic(const P& problem, int64_t first, void* y, const Context& context) {
    const kernels::Epilogue epilogue{
        .bias = part_of<int32_t>(context.input(kBias), first, problem.k, "bias ends before the outputs"),
        .multiplier = part_of<float>(context.input(kMultiplier), first, problem.k,
                                     "multiplier ends before the outputs"),
        .addend = per_channel<float>(context.input(kAddend), problem.k, "addend")};
    run_aligned(problem,
                {context.input(kX).as<const int8_t>(), context.input(kW).as<const int8_t>(), y, epilogue, 0},
                context);
}

}  // namespace

DynamicQMatMul::DynamicQMatMul(const ort::Attributes& attributes) : first(attributes.extent("first", 0)) {}

void DynamicQMatMul::compute(Context& context) const {
    const ort::Shape x = context.input(kX).shape;
    const plan::MatMulProblem problem = matmul_problem(x, context.input(kW).shape, plan::DataType::float32);
    run_dynamic(problem, first, context.output(0, result_shape(x, problem)).data, context);
}

void DynamicQMatMul::infer(const ort::InferenceContext& context) {
    infer_matmul(context, kW, kSignature.outputs[0]);
}

DynamicQConv::DynamicQConv(const ort::Attributes& attributes)
    : windows(attributes, false), first(attributes.extent("first", 0)) {}

void DynamicQConv::compute(Context& context) const {
    const plan::ConvProblem problem =
        windows.problem(context.input(kX).shape, context.input(kW).shape, 0, plan::DataType::float32);
    run_dynamic(problem, first, context.output(0, windows.result_shape(problem)).data, context);
}

void DynamicQConv::infer(const ort::InferenceContext& context) {
    Windows<2>(context.attributes(), false).infer(context, kW, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
