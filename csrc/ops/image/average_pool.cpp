#include "ops/image/average_pool.h"

#include "ops/shared/dtype.h"
#include "ops/shared/window.h"

namespace qudnn::ops {

kernels::AverageScales read_average_scales(const ort::Attributes& attributes) {
    const Dtype dtype(attributes);
    return {attributes.real("x_scale"),
            attributes.real("y_scale"),
            dtype.zero_point(attributes, "x_zero_point"),
            dtype.zero_point(attributes, "y_zero_point"),
            dtype.offset,
            attributes.integer("count_include_pad", 0, 1) == 1};
}

QAveragePool::QAveragePool(const ort::Attributes& attributes)
    : kernel(attributes.extents<2>("kernel_shape", 1)),
      pads(attributes.extents<4>("pads", 0)),
      strides(attributes.extents<2>("strides", 1)),
      ceil_mode(attributes.integer("ceil_mode", 0, 1) == 1) {
    require_pixels_in_windows<2>(kernel, pads);
    scales = read_average_scales(attributes);
}

void QAveragePool::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() == 4, "x has to be of rank 4");
    const int64_t n = x.shape[0], h = x.shape[1], w = x.shape[2], c = x.shape[3];
    const int64_t p = window_count(h, pads[0], pads[2], kernel[0], strides[0], 1, ceil_mode);
    const int64_t q = window_count(w, pads[1], pads[3], kernel[1], strides[1], 1, ceil_mode);
    const ort::Tensor y = context.output(0, {n, p, q, c});
    if (y.shape.count() == 0) return;
    const kernels::PoolGeometry geometry{n,         h,       w,       c,          p,          q, kernel[0],
                                         kernel[1], pads[0], pads[1], strides[0], strides[1], 1, 1};
    check_cuda(
        kernels::average_pool(geometry, scales, x.as<const int8_t>(), y.as<int8_t>(), context.stream()));
}

void QAveragePool::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    if (x.size() != 4) return;
    const QAveragePool op(context.attributes());
    const auto window = [&](size_t axis) {
        return window_dim(x[axis + 1], op.pads[axis], op.pads[axis + 2], op.kernel[axis], op.strides[axis], 1,
                          op.ceil_mode);
    };
    context.set_output(0, kSignature.outputs[0], {x[0], window(0), window(1), x[3]});
}

}  // namespace qudnn::ops
