#include "ops/image/pool.h"

#include "kernels/image/global_average_pool.h"
#include "kernels/image/max_pool.h"
#include "ops/shared/window.h"

namespace qudnn::ops {

QMaxPool::QMaxPool(const ort::Attributes& attributes)
    : kernel(attributes.extents<2>("kernel_shape", 1)),
      pads(attributes.extents<4>("pads", 0)),
      strides(attributes.extents<2>("strides", 1)),
      dilations(attributes.extents<2>("dilations", 1)),
      ceil_mode(attributes.integer("ceil_mode", 0, 1) == 1),
      y_padding(output_padding(attributes)),
      y_zero_point(output_zero_point(attributes, y_padding)) {}

void QMaxPool::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() == 4, "x has to be of rank 4");
    const int64_t n = x.shape[0], h = x.shape[1], w = x.shape[2], c = x.shape[3];
    const int64_t p = window_count(h, pads[0], pads[2], kernel[0], strides[0], dilations[0], ceil_mode);
    const int64_t q = window_count(w, pads[1], pads[3], kernel[1], strides[1], dilations[1], ceil_mode);
    const ort::Tensor y = context.output(0, padded(ort::Shape{n, p, q, c}, y_padding));
    if (y.shape.count() == 0) return;
    const kernels::PoolGeometry geometry{n,
                                         h,
                                         w,
                                         c,
                                         p,
                                         q,
                                         kernel[0],
                                         kernel[1],
                                         pads[0],
                                         pads[1],
                                         strides[0],
                                         strides[1],
                                         dilations[0],
                                         dilations[1],
                                         y_padding};
    check_cuda(
        kernels::max_pool(geometry, y_zero_point, x.as<const int8_t>(), y.as<int8_t>(), context.stream()));
}

void QMaxPool::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    if (x.size() != 4) return;
    const QMaxPool op(context.attributes());
    const auto window = [&](size_t axis) {
        return window_dim(x[axis + 1], op.pads[axis], op.pads[axis + 2], op.kernel[axis], op.strides[axis],
                          op.dilations[axis], op.ceil_mode);
    };
    context.set_output(0, kSignature.outputs[0], padded({x[0], window(0), window(1), x[3]}, op.y_padding));
}

QGlobalAveragePool::QGlobalAveragePool(const ort::Attributes& attributes)
    : x_scale(attributes.real("x_scale")),
      y_scale(attributes.real("y_scale")),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      y_zero_point(attributes.integer("y_zero_point", -128, 127)) {}

void QGlobalAveragePool::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() >= 3, "x has to have a batch, spatial and a channel dimension");
    const int64_t n = x.shape[0], c = x.shape.back();
    ort::Shape y_shape = x.shape;
    int64_t hw = 1;
    for (size_t i = 1; i + 1 < x.shape.rank(); ++i) {
        hw *= x.shape[i];
        y_shape[i] = 1;
    }
    const ort::Tensor y = context.output(0, y_shape);
    if (y_shape.count() == 0) return;
    require(hw > 0, "x has images without pixels");
    check_cuda(kernels::global_average_pool(n, hw, c, x_scale, x_zero_point, y_scale, y_zero_point,
                                            x.as<const int8_t>(), y.as<int8_t>(), context.stream()));
}

void QGlobalAveragePool::infer(const ort::InferenceContext& context) {
    std::vector<ort::Dim> dims = context.input(0);
    if (dims.size() < 3) return;
    for (size_t i = 1; i + 1 < dims.size(); ++i) dims[i] = ort::Dim::of(1);
    context.set_output(0, kSignature.outputs[0], dims);
}

}  // namespace qudnn::ops
