#include "ops/elementwise/where.h"

#include "kernels/elementwise/where.h"
#include "ops/shared/broadcast.h"

namespace qudnn::ops {

void QWhere::compute(Context& context) const {
    const ort::Tensor condition = context.input(0), x = context.input(1), y = context.input(2);
    const ort::Shape shape = broadcast_shape(condition.shape, broadcast_shape(x.shape, y.shape));
    const ort::Tensor z = context.output(0, shape);
    if (z.shape.count() == 0) return;
    check_cuda(kernels::where(broadcast_geometry<3>({condition.shape, x.shape, y.shape}, z.shape),
                              condition.as<const bool>(), x.as<const int8_t>(), y.as<const int8_t>(),
                              z.as<int8_t>(), context.stream()));
}

void QWhere::infer(const ort::InferenceContext& context) {
    infer_broadcast(context, 3, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
