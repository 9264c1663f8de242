#include "ops/border/dynamic_entry.h"

namespace qudnn::ops {

DynamicResult::DynamicResult(Context& context, size_t input, size_t output, const ort::Shape& y)
    : y_(context.output(output, y)),
      ranges_(context.workspace(kernels::kMostRanges * sizeof(kernels::Range))) {
    const ort::Tensor w_sum = context.input(input), w_scale = context.input(input + 1);
    require(w_sum.shape.rank() == 1 && w_sum.shape == w_scale.shape,
            "w_sum and w_scale do not have one value per output");
    epilogue_ = {w_sum.shape.count(),
                 w_sum.as<const int32_t>(),
                 w_scale.as<const float>(),
                 context.output(output + 1, w_sum.shape).as<int32_t>(),
                 context.output(output + 2, w_sum.shape).as<float>(),
                 static_cast<kernels::Range*>(ranges_->data())};
}

void DynamicResult::infer(const ort::InferenceContext& context, size_t input, size_t output) {
    std::vector<ort::Dim> outputs = context.input(input);
    outputs.resize(1);  // unknown where nothing is known of w_sum
    context.set_output(output + 1, ort::ElementType::int32, outputs);
    context.set_output(output + 2, ort::ElementType::float32, outputs);
}

void DynamicQuantizeToIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const DynamicResult result(context, 1, 0, entry.inside(x.shape));
    check_cuda(kernels::dynamic_quantize_to_island(entry.geometry(x.shape), x.shape.count(),
                                                   x.as<const float>(), result.y(), result.epilogue(),
                                                   context.stream()));
}

void DynamicQuantizeToIsland::infer(const ort::InferenceContext& context) {
    Entry(context.attributes()).infer(context);
    DynamicResult::infer(context, 1, 0);
}

DynamicGeluToIsland::DynamicGeluToIsland(const ort::Attributes& attributes)
    : entry(attributes), factor(attributes.real("factor") / attributes.real("divisor")) {}

void DynamicGeluToIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const DynamicResult result(context, 1, 0, entry.inside(x.shape));
    check_cuda(kernels::dynamic_gelu_to_island(entry.geometry(x.shape), x.shape.count(), factor,
                                               x.as<const float>(), result.y(), result.epilogue(),
                                               context.stream()));
}

void DynamicGeluToIsland::infer(const ort::InferenceContext& context) {
    DynamicQuantizeToIsland::infer(context);
}

}  // namespace qudnn::ops
