#include "ops/softmax/masked_softmax.h"

#include "ops/shared/broadcast.h"

namespace qudnn::ops {

namespace {

// A shape without its last dimension.
ort::Shape leading(const ort::Shape& shape) {
    if (shape.rank() == 0) return shape;
    ort::Shape rows(shape.rank() - 1);
    std::copy_n(shape.data(), rows.rank(), rows.data());
    return rows;
}

}  // namespace

kernels::MaskedSoftmaxGeometry masked_softmax_geometry(const ort::Shape& x, const ort::Shape& mask,
                                                       int64_t channels, int64_t y_stride) {
    ort::Shape kept = x;
    kept[kept.rank() - 1] = channels;
    require(broadcast_shape(kept, mask) == kept, "mask broadcasts x to a larger shape");
    return {broadcast_geometry<1>({leading(mask)}, leading(x)), channels, x.back(), y_stride,
            mask.rank() == 0 ? 1 : mask.back()};
}

QMaskedSoftmax::QMaskedSoftmax(const ort::Attributes& attributes)
    : appended(attributes),
      scales{attributes.real("x_scale"),
             attributes.real("factor"),
             attributes.real("divisor"),
             attributes.real("y_scale"),
             attributes.integer("x_zero_point", -128, 127),
             attributes.integer("y_zero_point", -128, 127)} {}

void QMaskedSoftmax::compute(Context& context) const {
    const ort::Tensor x = context.input(0), mask = context.input(1);
    const int64_t channels = appended.taken(x.shape);
    const ort::Tensor y = context.output(0, appended.result(x.shape));
    if (y.shape.count() == 0) return;
    require(channels > 0, "x has no channels");
    check_cuda(kernels::masked_softmax(masked_softmax_geometry(x.shape, mask.shape, channels, y.shape.back()),
                                       scales, x.as<const int8_t>(), mask.as<const float>(), y.as<int8_t>(),
                                       context.stream()));
}

void QMaskedSoftmax::infer(const ort::InferenceContext& context) {
    AppendedChannels(context.attributes()).infer(context, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
