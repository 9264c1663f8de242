#include "ops/image/table_pool.h"

#include "kernels/image/table_pool.h"
#include "ops/image/pool.h"
#include "ops/shared/float_table.h"

namespace qudnn::ops {

QTableGlobalAveragePool::QTableGlobalAveragePool(const ort::Attributes& attributes)
    : y_scale(attributes.real("y_scale")), y_zero_point(attributes.integer("y_zero_point", -128, 127)) {}

namespace {

// The operands of a mean of each image, and the shape of the means.
struct Images {
    ort::Tensor x;
    int64_t n, hw, c;
    kernels::FloatTable table;
    ort::Shape means;

    explicit Images(Context& context)
        : x(context.input(0)), n(0), hw(1), c(0), table{nullptr, false}, means(x.shape) {
        require(x.shape.rank() >= 3, "x has to have a batch, spatial and a channel dimension");
        n = x.shape[0];
        c = x.shape.back();
        table = float_table(context.input(1), c);
        for (size_t i = 1; i + 1 < x.shape.rank(); ++i) {
            hw *= x.shape[i];
            means[i] = 1;
        }
    }
    [[nodiscard]] bool empty() const {
        if (means.count() == 0) return true;
        require(hw > 0, "x has images without pixels");
        return false;
    }
};

}  // namespace

void QTableGlobalAveragePool::compute(Context& context) const {
    const Images images(context);
    const ort::Tensor y = context.output(0, images.means);
    if (images.empty()) return;
    check_cuda(kernels::table_global_average_pool(images.n, images.hw, images.c, images.table, y_scale,
                                                  y_zero_point, images.x.as<const int8_t>(), y.as<int8_t>(),
                                                  context.stream()));
}

void QTableGlobalAveragePool::infer(const ort::InferenceContext& context) {
    QGlobalAveragePool::infer(context);
}

void QTableGlobalAveragePoolToFloat::compute(Context& context) const {
    const Images images(context);
    const ort::Tensor y = context.output(0, images.means);
    if (images.empty()) return;
    check_cuda(kernels::table_global_average_pool_to_float(images.n, images.hw, images.c, images.table,
                                                           images.x.as<const int8_t>(), y.as<float>(),
                                                           context.stream()));
}

void QTableGlobalAveragePoolToFloat::infer(const ort::InferenceContext& context) {
    std::vector<ort::Dim> dims = context.input(0);
    if (dims.size() < 3) return;
    for (size_t i = 1; i + 1 < dims.size(); ++i) dims[i] = ort::Dim::of(1);
    context.set_output(0, kSignature.outputs[0], dims);
}

}  // namespace qudnn::ops
