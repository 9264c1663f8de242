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

FloatWindow::FloatWindow(const ort::Attributes& attributes, bool has_dilations, bool has_silu)
    : kernel(attributes.extents<2>("kernel_shape", 1)),
      pads(attributes.extents<4>("pads", 0)),
      strides(attributes.extents<2>("strides", 1)),
      dilations{1, 1},
      ceil_mode(attributes.integer("ceil_mode", 0, 1) == 1),
      activation{attributes.real("low"), attributes.real("high"),
                 has_silu && attributes.integer("silu", 0, 1) == 1} {
    if (has_dilations) dilations = attributes.extents<2>("dilations", 1);
}

kernels::PoolGeometry FloatWindow::geometry(const ort::Shape& x) const {
    require(x.rank() == 4, "x has to be of rank 4");
    const auto windows = [&](size_t axis) {
        return window_count(x[axis + 1], pads[axis], pads[axis + 2], kernel[axis], strides[axis],
                            dilations[axis], ceil_mode);
    };
    return {x[0],    x[1],    x[2],       x[3],       windows(0),   windows(1),   kernel[0], kernel[1],
            pads[0], pads[1], strides[0], strides[1], dilations[0], dilations[1], {}};
}

void FloatWindow::infer(const ort::InferenceContext& context) const {
    const std::vector<ort::Dim> x = context.input(0);
    if (x.size() != 4) return;
    const auto windows = [&](size_t axis) {
        return window_dim(x[axis + 1], pads[axis], pads[axis + 2], kernel[axis], strides[axis],
                          dilations[axis], ceil_mode);
    };
    context.set_output(0, ort::ElementType::float32, {x[0], windows(0), windows(1), x[3]});
}

void FloatMaxPool::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const kernels::PoolGeometry g = window.geometry(x.shape);
    const ort::Tensor y = context.output(0, ort::Shape{g.n, g.p, g.q, g.c});
    if (y.shape.count() == 0) return;
    check_cuda(
        kernels::float_max_pool(g, window.activation, x.as<const float>(), y.as<float>(), context.stream()));
}

void FloatMaxPool::infer(const ort::InferenceContext& context) {
    FloatMaxPool(context.attributes()).window.infer(context);
}

FloatAveragePool::FloatAveragePool(const ort::Attributes& attributes)
    : window(attributes, false, true), count_padding(attributes.integer("count_include_pad", 0, 1) == 1) {
    require(!(count_padding && window.ceil_mode), "count_include_pad and ceil_mode are not both taken");
}

void FloatAveragePool::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const kernels::PoolGeometry g = window.geometry(x.shape);
    const ort::Tensor y = context.output(0, ort::Shape{g.n, g.p, g.q, g.c});
    if (y.shape.count() == 0) return;
    check_cuda(kernels::float_average_pool(g, count_padding, window.activation, x.as<const float>(),
                                           y.as<float>(), context.stream()));
}

void FloatAveragePool::infer(const ort::InferenceContext& context) {
    FloatAveragePool(context.attributes()).window.infer(context);
}

}  // namespace qudnn::ops
