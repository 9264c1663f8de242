#include "ops/gemm/batch_matmul.h"

#include "ops/shared/requantize.h"

namespace qudnn::ops {

namespace {

// The values of a tensor [1] or [n].
template <class T>
kernels::ColumnValues<T> per_column(const ort::Tensor& tensor, int64_t n, const char* name) {
    const bool one = tensor.shape == ort::Shape{1};
    if (!one && tensor.shape != ort::Shape{n}) {
        throw std::invalid_argument(std::string(name) + " has neither one value nor one per column");
    }
    return {tensor.as<const T>(), one ? 0 : 1};
}

}  // namespace

template <plan::DataType kType>
BatchMatMul<kType>::BatchMatMul(const ort::Attributes& attributes)
    : layout(attributes, kType == plan::DataType::int8),
      a_zero_point(attributes.integer("a_zero_point", -128, 127)) {
    if constexpr (kType == plan::DataType::int8) {
        const Requantize requantize(attributes);
        y_zero_point = requantize.y_zero_point, y_min = requantize.y_min, y_max = requantize.y_max;
    }
}

template <plan::DataType kType>
void BatchMatMul<kType>::compute(Context& context) const {
    const ort::Tensor a = context.input(0);
    const ort::Tensor b = context.input(1);
    const PlacedMatMul matmul = layout.place(a.shape, b.shape);
    plan::BatchMatMulProblem problem = matmul.problem;
    problem.y_type = kType;

    plan::Arguments arguments{
        .x = a.as<const int8_t>() + matmul.a_offset,
        .w = b.as<const int8_t>() + matmul.b_offset,
        .y = nullptr,
        .epilogue = {.bias = nullptr, .zero_point = y_zero_point, .low = y_min, .high = y_max},
        .x_zero_point = a_zero_point};
    constexpr bool kScaled = kType != plan::DataType::int32;
    arguments.w_zero_point = per_column<int8_t>(context.input(kScaled ? 4 : 2), problem.n, "b_zero_point");
    if constexpr (kScaled) {
        const auto bias = per_column<int32_t>(context.input(2), problem.n, "bias");
        const auto multiplier = per_column<float>(context.input(3), problem.n, "multiplier");
        arguments.epilogue.bias = bias.values, arguments.steps.bias = bias.step;
        arguments.epilogue.multiplier = multiplier.values, arguments.steps.multiplier = multiplier.step;
    }
    if constexpr (kType == plan::DataType::float32) {
        const auto addend = per_column<float>(context.input(5), problem.n, "addend");
        arguments.epilogue.addend = addend.values, arguments.steps.addend = addend.step;
    }
    arguments.y = context.output(0, matmul.y).data;
    run_aligned(problem, arguments, context);
}

template <plan::DataType kType>
void BatchMatMul<kType>::infer(const ort::InferenceContext& context) {
    const BatchMatMulLayout layout(context.attributes(), kType == plan::DataType::int8);
    const std::vector<ort::Dim> y = layout.infer(context.input(0), context.input(1));
    if (!y.empty()) context.set_output(0, kSignature.outputs[0], y);
}

template struct BatchMatMul<plan::DataType::int8>;
template struct BatchMatMul<plan::DataType::float32>;
template struct BatchMatMul<plan::DataType::int32>;

}  // namespace qudnn::ops
