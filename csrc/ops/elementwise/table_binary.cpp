#include "ops/elementwise/table_binary.h"

#include "ops/shared/broadcast.h"
#include "ops/shared/float_table.h"

namespace qudnn::ops {

QTableBinary::QTableBinary(const ort::Attributes& attributes)
    : y_zero_point(attributes.integer("y_zero_point", -128, 127)),
      limits{attributes.integer("y_min", -128, 127), attributes.integer("y_max", -128, 127)} {
    require(limits.low <= limits.high, "y_min is larger than y_max");
}

void QTableBinary::compute(Context& context, Kernel* kernel) const {
    const ort::Tensor a = context.input(0);
    const ort::Tensor b = context.input(1);
    const ort::Shape shape = broadcast_shape(a.shape, b.shape);
    const int64_t channels = shape.rank() > 0 ? shape.back() : 1;
    const kernels::FloatTable a_table = float_table(context.input(2), channels);
    const kernels::FloatTable b_table = float_table(context.input(3), channels);
    const ort::Tensor scale = context.input(4);
    const int64_t scales = scale.shape.count();
    require(scale.shape.rank() == 1 && (scales == 1 || scales == channels),
            "y_scale does not have one element, nor one for each channel of the result, its last dimension");
    const ort::Tensor y = context.output(0, shape);
    if (y.shape.count() == 0) return;
    check_cuda(kernel(broadcast_geometry<2>({a.shape, b.shape}, y.shape),
                      {channels, {scale.as<const float>(), scales > 1}, y_zero_point, limits}, a_table,
                      b_table, a.as<const int8_t>(), b.as<const int8_t>(), y.as<int8_t>(), context.stream()));
}

void QTableBinary::infer(const ort::InferenceContext& context) {
    infer_broadcast(context, 2, QTableAdd::kSignature.outputs[0]);
}

}  // namespace qudnn::ops
