#include "ops/image/float_pool.h"

#include "kernels/image/float_pool.h"
#include "ops/shared/float_activation.h"
#include "ops/shared/window.h"

namespace qudnn::ops {

FloatGlobalAveragePool::FloatGlobalAveragePool(const ort::Attributes& attributes)
    : activation(float_activation(attributes)) {}

void FloatGlobalAveragePool::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() == 4, "x has to be of rank 4");
    const int64_t n = x.shape[0], hw = x.shape[1] * x.shape[2], c = x.shape[3];
    const ort::Tensor y = context.output(0, ort::Shape{n, 1, 1, c});
    if (y.shape.count() == 0) return;
    require(hw > 0, "x has images without pixels");
    check_cuda(kernels::float_global_average_pool(n, hw, c, activation, x.as<const float>(), y.as<float>(),
                                                  context.stream()));
}

void FloatGlobalAveragePool::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    if (x.size() != 4) return;
    context.set_output(0, kSignature.outputs[0], {x[0], ort::Dim::of(1), ort::Dim::of(1), x[3]});
}

FloatMaxPool::FloatMaxPool(const ort::Attributes& attributes)
    : kernel(attributes.extents<2>("kernel_shape", 1)),
      pads(attributes.extents<4>("pads", 0)),
      strides(attributes.extents<2>("strides", 1)),
      dilations(attributes.extents<2>("dilations", 1)),
      ceil_mode(attributes.integer("ceil_mode", 0, 1) == 1),
      activation{attributes.real("low"), attributes.real("high"), false} {}

void FloatMaxPool::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() == 4, "x has to be of rank 4");
    const int64_t n = x.shape[0], h = x.shape[1], w = x.shape[2], c = x.shape[3];
    const int64_t p = window_count(h, pads[0], pads[2], kernel[0], strides[0], dilations[0], ceil_mode);
    const int64_t q = window_count(w, pads[1], pads[3], kernel[1], strides[1], dilations[1], ceil_mode);
    const ort::Tensor y = context.output(0, ort::Shape{n, p, q, c});
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
                                         dilations[1]};
    check_cuda(
        kernels::float_max_pool(geometry, activation, x.as<const float>(), y.as<float>(), context.stream()));
}

void FloatMaxPool::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    if (x.size() != 4) return;
    const FloatMaxPool op(context.attributes());
    const auto window = [&](size_t axis) {
        return window_dim(x[axis + 1], op.pads[axis], op.pads[axis + 2], op.kernel[axis], op.strides[axis],
                          op.dilations[axis], op.ceil_mode);
    };
    context.set_output(0, kSignature.outputs[0], {x[0], window(0), window(1), x[3]});
}

}  // namespace qudnn::ops
