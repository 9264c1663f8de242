#include "ops/border/steps.h"

#include "kernels/border/steps.h"

namespace qudnn::ops {

StepsToIsland::StepsToIsland(const ort::Attributes& attributes)
    : entry(attributes), zero_point(attributes.integer("zero_point", -128, 127)) {}

void StepsToIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor thresholds = context.input(1), values = context.input(2);
    const int64_t count = thresholds.shape.count();
    require(count >= 1 && count <= kernels::kMostThresholds,
            "thresholds does not have from 1 to 4095 elements");
    require(values.shape.count() == count + 2, "values does not have two elements more than thresholds");
    const ort::Tensor y = context.output(0, entry.inside(x.shape));
    if (y.shape.count() == 0) return;
    const kernels::StepFunction steps{static_cast<int>(count), thresholds.as<const float>(),
                                      values.as<const int8_t>()};
    check_cuda(kernels::steps_to_island(entry.geometry(x.shape), steps, zero_point, x.as<const float>(),
                                        y.as<int8_t>(), context.stream()));
}

void StepsToIsland::infer(const ort::InferenceContext& context) {
    Entry(context.attributes()).infer(context);
}

}  // namespace qudnn::ops
