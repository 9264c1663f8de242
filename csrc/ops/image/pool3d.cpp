#include "ops/image/pool3d.h"

#include "ops/image/average_pool.h"
#include "ops/shared/window.h"

namespace qudnn::ops {

VolumeWindows::VolumeWindows(const ort::Attributes& attributes, bool dilated)
    : kernel(attributes.extents<3>("kernel_shape", 1)),
      pads(attributes.extents<6>("pads", 0)),
      strides(attributes.extents<3>("strides", 1)),
      dilations(dilated ? attributes.extents<3>("dilations", 1) : std::array<int64_t, 3>{1, 1, 1}),
      ceil_mode(attributes.integer("ceil_mode", 0, 1) == 1) {}

kernels::VolumeGeometry VolumeWindows::geometry(const ort::Shape& x) const {
    require(x.rank() == 5, "x has to be of rank 5");
    const auto windows = [&](size_t axis) {
        return window_count(x[axis + 1], pads[axis], pads[axis + 3], kernel[axis], strides[axis],
                            dilations[axis], ceil_mode);
    };
    return {.n = x[0],
            .d = x[1],
            .h = x[2],
            .w = x[3],
            .c = x[4],
            .z = windows(0),
            .p = windows(1),
            .q = windows(2),
            .t = kernel[0],
            .r = kernel[1],
            .s = kernel[2],
            .pad_front = pads[0],
            .pad_top = pads[1],
            .pad_left = pads[2],
            .stride_d = strides[0],
            .stride_h = strides[1],
            .stride_w = strides[2],
            .dilation_d = dilations[0],
            .dilation_h = dilations[1],
            .dilation_w = dilations[2]};
}

void VolumeWindows::infer(const ort::InferenceContext& context, ort::ElementType type) const {
    const std::vector<ort::Dim> x = context.input(0);
    if (x.size() != 5) return;
    const auto windows = [&](size_t axis) {
        return window_dim(x[axis + 1], pads[axis], pads[axis + 3], kernel[axis], strides[axis],
                          dilations[axis], ceil_mode);
    };
    context.set_output(0, type, {x[0], windows(0), windows(1), windows(2), x[4]});
}

QMaxPool3D::QMaxPool3D(const ort::Attributes& attributes) : windows(attributes, true) {}

void QMaxPool3D::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const kernels::VolumeGeometry g = windows.geometry(x.shape);
    const ort::Tensor y = context.output(0, {g.n, g.z, g.p, g.q, g.c});
    if (y.shape.count() == 0) return;
    check_cuda(kernels::max_pool3d(g, x.as<const int8_t>(), y.as<int8_t>(), context.stream()));
}

void QMaxPool3D::infer(const ort::InferenceContext& context) {
    VolumeWindows(context.attributes(), true).infer(context, kSignature.outputs[0]);
}

QAveragePool3D::QAveragePool3D(const ort::Attributes& attributes)
    : windows(attributes, false), scales(read_average_scales(attributes)) {
    require_pixels_in_windows<3>(windows.kernel, windows.pads);
}

void QAveragePool3D::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const kernels::VolumeGeometry g = windows.geometry(x.shape);
    const ort::Tensor y = context.output(0, {g.n, g.z, g.p, g.q, g.c});
    if (y.shape.count() == 0) return;
    check_cuda(kernels::average_pool3d(g, scales, x.as<const int8_t>(), y.as<int8_t>(), context.stream()));
}

void QAveragePool3D::infer(const ort::InferenceContext& context) {
    VolumeWindows(context.attributes(), false).infer(context, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
