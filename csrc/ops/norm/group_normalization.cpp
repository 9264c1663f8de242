#include "ops/norm/group_normalization.h"

namespace qudnn::ops {

QGroupNormalization::QGroupNormalization(const ort::Attributes& attributes)
    : appended(attributes),
      centered(attributes.integer("centered", 0, 1) == 1),
      scales{attributes.real("x_scale"), attributes.real("y_scale"),
             attributes.integer("x_zero_point", -128, 127), attributes.integer("y_zero_point", -128, 127),
             attributes.real("epsilon")} {
    const auto view = attributes.integers<4>("view");
    of_pixels = view[0] == -1 && view[1] == 1;
    require(of_pixels || (view[0] == 0 && view[1] == -1), "view is neither of images nor of pixels");
    groups = view[2], each = view[3];
    require(groups >= 1 && each >= 1 && groups <= appended.channels && each <= appended.channels / groups &&
                groups * each == appended.channels,
            "view does not have the channels");
}

void QGroupNormalization::compute(Context& context) const {
    const ort::Tensor x = context.input(0), gamma = context.input(1), beta = context.input(2);
    require(x.shape.rank() >= 2, "x has to have a batch and a channel dimension");
    const int64_t channels = appended.taken(x.shape);
    require(channels == appended.channels, "x does not have the channels");
    require(gamma.shape == ort::Shape{channels} && beta.shape == gamma.shape,
            "gamma and beta do not have a value for each channel");
    const ort::Tensor y = context.output(0, appended.result(x.shape));
    if (y.shape.count() == 0) return;
    const int64_t all = y.shape.count() / y.shape.back();
    const int64_t images = of_pixels ? all : x.shape[0];
    const kernels::GroupGeometry geometry{images, all / images, groups, each, x.shape.back(), y.shape.back()};
    const auto sums = context.workspace(static_cast<size_t>(images * groups) * sizeof(kernels::GroupSums));
    check_cuda(kernels::group_normalization(
        geometry, scales, centered, x.as<const int8_t>(), gamma.as<const float>(), beta.as<const float>(),
        static_cast<kernels::GroupSums*>(sums->data()), y.as<int8_t>(), context.stream()));
}

void QGroupNormalization::infer(const ort::InferenceContext& context) {
    AppendedChannels(context.attributes()).infer(context, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
