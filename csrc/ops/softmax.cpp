#include "ops/softmax.h"

#include "ops/dtype.h"

namespace qudnn::ops {

QSoftmax::QSoftmax(const ort::Attributes& attributes) {
    const Dtype dtype(attributes);
    const int64_t channels = attributes.integer("channels");
    require(channels >= 1, "channels has to be positive");
    constants = kernels::softmax_constants(channels, attributes.real("x_scale"), attributes.real("y_scale"),
                                           dtype.zero_point(attributes, "y_zero_point"), dtype.is_uint8());
}

void QSoftmax::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() >= 1 && x.shape.back() >= constants.channels, "x has too few channels");
    const ort::Tensor y = context.output(0, x.shape);
    if (y.shape.count() == 0) return;
    const int64_t stride = x.shape.back();
    check_cuda(kernels::softmax(y.shape.count() / stride, stride, constants, x.as<const int8_t>(),
                                y.as<int8_t>(), context.stream()));
}

void QSoftmax::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    if (!x.empty()) context.set_output(0, kSignature.outputs[0], x);
}

}  // namespace qudnn::ops
