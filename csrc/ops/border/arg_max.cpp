#include "ops/border/arg_max.h"

#include "kernels/border/arg_max.h"

namespace qudnn::ops {

ArgMaxFromIsland::ArgMaxFromIsland(const ort::Attributes& attributes)
    : channels(attributes.integer("channels")), last(attributes.integer("select_last_index", 0, 1) == 1) {
    const int sign = attributes.integer("sign", -1, 1);
    require(channels >= 1, "channels has to be positive");
    require(sign != 0, "sign is 0");
    least = sign < 0;
}

void ArgMaxFromIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() >= 1, "x has no channels");
    ort::Shape rows(x.shape.rank() - 1);
    for (size_t axis = 0; axis < rows.rank(); ++axis) rows[axis] = x.shape[axis];
    const int64_t taken = std::min(channels, x.shape.back());
    const ort::Tensor y = context.output(0, rows);
    if (rows.count() == 0) return;
    require(taken >= 1 && taken <= kernels::kMostPlaces, "x has no channels, or more than 2^24");
    check_cuda(kernels::arg_max({rows.count(), taken, x.shape.back(), least, last}, x.as<const int8_t>(),
                                y.as<int64_t>(), context.stream()));
}

void ArgMaxFromIsland::infer(const ort::InferenceContext& context) {
    std::vector<ort::Dim> dims = context.input(0);
    if (dims.size() < 2) return;
    dims.pop_back();
    context.set_output(0, kSignature.outputs[0], dims);
}

}  // namespace qudnn::ops
