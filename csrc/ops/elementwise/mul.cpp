#include "ops/elementwise/mul.h"

#include "kernels/elementwise/mul.h"
#include "ops/shared/broadcast.h"

namespace qudnn::ops {

void QMul::compute(Context& context) const {
    const ort::Tensor a = context.input(0);
    const ort::Tensor b = context.input(1);
    const ort::Tensor y = context.output(0, broadcast_shape(a.shape, b.shape));
    if (y.shape.count() == 0) return;
    check_cuda(kernels::mul(broadcast_geometry<2>({a.shape, b.shape}, y.shape), scales, a.as<const int8_t>(),
                            b.as<const int8_t>(), y.as<int8_t>(), context.stream()));
}

void QMul::infer(const ort::InferenceContext& context) { infer_broadcast(context, 2, kSignature.outputs[0]); }

}  // namespace qudnn::ops
