#include "ops/softmax/softmax_to_island.h"

#include "ops/softmax/masked_softmax.h"

namespace qudnn::ops {

SoftmaxToIsland::SoftmaxToIsland(const ort::Attributes& attributes)
    : appended(AppendedChannels::all(attributes)),
      scales{attributes.real("factor"), attributes.real("divisor"), attributes.real("y_scale"),
             attributes.integer("y_zero_point", -128, 127)} {}

void SoftmaxToIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0), mask = context.input(1);
    const int64_t channels = appended.taken(x.shape);
    const ort::Tensor y = context.output(0, appended.result(x.shape));
    if (y.shape.count() == 0) return;
    require(channels > 0, "x has no channels");
    check_cuda(kernels::softmax_to_island(
        masked_softmax_geometry(x.shape, mask.shape, channels, y.shape.back()), scales, x.as<const float>(),
        mask.as<const float>(), y.as<int8_t>(), context.stream()));
}

void SoftmaxToIsland::infer(const ort::InferenceContext& context) {
    AppendedChannels::all(context.attributes()).infer(context, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
