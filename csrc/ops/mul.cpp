#include "ops/mul.h"

#include "ops/broadcast.h"
#include "ops/dtype.h"

namespace qudnn::ops {

QMul::QMul(const ort::Attributes& attributes) {
    const Dtype dtype(attributes);
    scales = {attributes.real("a_scale"),
              attributes.real("b_scale"),
              attributes.real("y_scale"),
              dtype.zero_point(attributes, "a_zero_point"),
              dtype.zero_point(attributes, "b_zero_point"),
              dtype.zero_point(attributes, "y_zero_point"),
              dtype.offset};
}

void QMul::compute(Context& context) const {
    const ort::Tensor a = context.input(0);
    const ort::Tensor b = context.input(1);
    const ort::Tensor y = context.output(0, broadcast_shape(a.shape, b.shape));
    if (y.shape.count() == 0) return;
    check_cuda(kernels::mul(broadcast_geometry(a.shape, b.shape, y.shape), scales, a.as<const int8_t>(),
                            b.as<const int8_t>(), y.as<int8_t>(), context.stream()));
}

void QMul::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> a = context.input(0), b = context.input(1);
    if (!a.empty() && !b.empty()) context.set_output(0, kSignature.outputs[0], broadcast_dims(a, b));
}

}  // namespace qudnn::ops
