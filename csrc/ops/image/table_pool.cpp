#include "ops/image/table_pool.h"

#include "kernels/image/table_pool.h"
#include "ops/image/pool.h"
#include "ops/shared/float_table.h"

namespace qudnn::ops {

QTableGlobalAveragePool::QTableGlobalAveragePool(const ort::Attributes& attributes)
    : y_scale(attributes.real("y_scale")), y_zero_point(attributes.integer("y_zero_point", -128, 127)) {}

void QTableGlobalAveragePool::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() >= 3, "x has to have a batch, spatial and a channel dimension");
    const int64_t n = x.shape[0], c = x.shape.back();
    const kernels::FloatTable table = float_table(context.input(1), c);
    ort::Shape y_shape = x.shape;
    int64_t hw = 1;
    for (size_t i = 1; i + 1 < x.shape.rank(); ++i) {
        hw *= x.shape[i];
        y_shape[i] = 1;
    }
    const ort::Tensor y = context.output(0, y_shape);
    if (y_shape.count() == 0) return;
    require(hw > 0, "x has images without pixels");
    check_cuda(kernels::table_global_average_pool(n, hw, c, table, y_scale, y_zero_point,
                                                  x.as<const int8_t>(), y.as<int8_t>(), context.stream()));
}

void QTableGlobalAveragePool::infer(const ort::InferenceContext& context) {
    QGlobalAveragePool::infer(context);
}

}  // namespace qudnn::ops
