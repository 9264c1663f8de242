#include "ops/softmax.h"

#include <algorithm>

#include "ops/dtype.h"

namespace qudnn::ops {

QSoftmax::QSoftmax(const ort::Attributes& attributes)
    : channels(attributes.integer("channels")),
      x_scale(attributes.real("x_scale")),
      y_scale(attributes.real("y_scale")) {
    const Dtype dtype(attributes);
    y_zero_point = dtype.zero_point(attributes, "y_zero_point");
    is_uint8 = dtype.is_uint8();
    require(channels >= 1, "channels has to be positive");
}

std::shared_ptr<const kernels::SoftmaxConstants> QSoftmax::constants(int64_t count) const {
    const std::lock_guard lock(mutex_);
    if (last_ == nullptr || last_->channels != count) {
        last_ = std::make_shared<const kernels::SoftmaxConstants>(
            kernels::softmax_constants(count, x_scale, y_scale, y_zero_point, is_uint8));
    }
    return last_;
}

void QSoftmax::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() >= 1, "x has no channels");
    const ort::Tensor y = context.output(0, x.shape);
    if (y.shape.count() == 0) return;
    const int64_t stride = x.shape.back();
    check_cuda(kernels::softmax(y.shape.count() / stride, stride, *constants(std::min(channels, stride)),
                                x.as<const int8_t>(), y.as<int8_t>(), context.stream()));
}

void QSoftmax::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    if (!x.empty()) context.set_output(0, kSignature.outputs[0], x);
}

}  // namespace qudnn::ops
