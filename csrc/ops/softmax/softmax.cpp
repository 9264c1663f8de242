#include "ops/softmax/softmax.h"

#include <algorithm>

#include "ops/shared/dtype.h"
#include "plan/tuning/explanation.h"

namespace qudnn::ops {

std::shared_ptr<const kernels::SoftmaxConstants> NodeSoftmaxConstants::of(int64_t channels) const {
    const std::lock_guard lock(mutex_);
    if (last_ == nullptr || last_->channels != channels) {
        last_ = std::make_shared<const kernels::SoftmaxConstants>(
            kernels::softmax_constants(channels, x_scale_, y_scale_, y_zero_point_, is_uint8_));
    }
    return last_;
}

QSoftmax::QSoftmax(const ort::Attributes& attributes)
    : channels(attributes.integer("channels")),
      constants(attributes.real("x_scale"), attributes.real("y_scale"),
                Dtype(attributes).zero_point(attributes, "y_zero_point"), Dtype(attributes).is_uint8()) {
    require(channels >= 1, "channels has to be positive");
}

void QSoftmax::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() >= 1, "x has no channels");
    const ort::Tensor y = context.output(0, x.shape);
    if (y.shape.count() == 0) return;
    const int64_t stride = x.shape.back();
    const auto row = constants.of(std::min(channels, stride));
    if (context.configuration().explain)
        plan::explain_slow_kernel(context, "by tiles of rows", kernels::softmax_tiles_refusal(stride, *row));
    check_cuda(kernels::softmax(y.shape.count() / stride, stride, *row, x.as<const int8_t>(), y.as<int8_t>(),
                                context.stream()));
}

void QSoftmax::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    if (!x.empty()) context.set_output(0, kSignature.outputs[0], x);
}

}  // namespace qudnn::ops
