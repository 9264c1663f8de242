#include "ops/dynamic_entry.h"

namespace qudnn::ops {

DynamicResult::DynamicResult(Context& context, size_t first, const ort::Shape& y)
    : y_(context.output(first, y)),
      ranges_(context.workspace(kernels::kMostRanges * sizeof(kernels::Range))),
      scale_{context.output(first + 1, {}).as<float>(), context.output(first + 2, {}).as<int8_t>(),
             static_cast<kernels::Range*>(ranges_->data())} {}

void DynamicResult::infer_scale(const ort::InferenceContext& context, size_t first) {
    context.set_output(first + 1, ort::ElementType::float32, {});
    context.set_output(first + 2, ort::ElementType::int8, {});
}

void DynamicQuantizeToIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const DynamicResult result(context, 0, entry.inside(x.shape));
    check_cuda(kernels::dynamic_quantize_to_island(entry.geometry(x.shape), x.shape.count(),
                                                   x.as<const float>(), result.y(), result.scale(),
                                                   context.stream()));
}

void DynamicQuantizeToIsland::infer(const ort::InferenceContext& context) {
    Entry(context.attributes()).infer(context);
    DynamicResult::infer_scale(context, 0);
}

DynamicGeluToIsland::DynamicGeluToIsland(const ort::Attributes& attributes)
    : entry(attributes), factor(attributes.real("factor") / attributes.real("divisor")) {}

void DynamicGeluToIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const DynamicResult result(context, 0, entry.inside(x.shape));
    check_cuda(kernels::dynamic_gelu_to_island(entry.geometry(x.shape), x.shape.count(), factor,
                                               x.as<const float>(), result.y(), result.scale(),
                                               context.stream()));
}

void DynamicGeluToIsland::infer(const ort::InferenceContext& context) {
    DynamicQuantizeToIsland::infer(context);
}

}  // namespace qudnn::ops
