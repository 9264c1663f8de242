#include "ops/elementwise/float_binary.h"

#include "ops/shared/broadcast.h"

namespace qudnn::ops {

QFloatBinary::QFloatBinary(const ort::Attributes& attributes)
    : scales{attributes.real("a_scale"),
             attributes.real("b_scale"),
             attributes.real("y_scale"),
             attributes.integer("a_zero_point", -128, 127),
             attributes.integer("b_zero_point", -128, 127),
             attributes.integer("y_zero_point", -128, 127),
             0},
      limits{attributes.integer("y_min", -128, 127), attributes.integer("y_max", -128, 127)} {
    require(limits.low <= limits.high, "y_min is larger than y_max");
}

void QFloatBinary::compute(Context& context, Kernel* kernel) const {
    const ort::Tensor a = context.input(0);
    const ort::Tensor b = context.input(1);
    const ort::Tensor y = context.output(0, broadcast_shape(a.shape, b.shape));
    if (y.shape.count() == 0) return;
    check_cuda(kernel(broadcast_geometry<2>({a.shape, b.shape}, y.shape), scales, limits,
                      a.as<const int8_t>(), b.as<const int8_t>(), y.as<int8_t>(), context.stream()));
}

void QFloatBinary::infer(const ort::InferenceContext& context) {
    infer_broadcast(context, 2, QFloatAdd::kSignature.outputs[0]);
}

}  // namespace qudnn::ops
