#include "ops/conv/conv_max_pool.h"

#include "engines/native/native.h"
#include "kernels/conv/stem_pool.h"
#include "ops/shared/window.h"
#include "plan/explanation.h"

namespace qudnn::ops {

QConvMaxPool::QConvMaxPool(const ort::Attributes& attributes)
    : windows(attributes, true),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      requantize(attributes),
      kernel(attributes.extents<2>("kernel_shape", 1)),
      pool_strides(attributes.extents<2>("pool_strides", 1)),
      pool_pads(attributes.extents<4>("pool_pads", 0)),
      y_padding(output_padding(attributes)) {}

kernels::PoolGeometry QConvMaxPool::pool(const plan::ConvProblem& conv) const {
    return {.n = conv.n,
            .h = conv.p,
            .w = conv.q,
            .c = conv.k,
            .p = window_count(conv.p, pool_pads[0], pool_pads[2], kernel[0], pool_strides[0], 1),
            .q = window_count(conv.q, pool_pads[1], pool_pads[3], kernel[1], pool_strides[1], 1),
            .r = kernel[0],
            .s = kernel[1],
            .pad_top = pool_pads[0],
            .pad_left = pool_pads[1],
            .stride_h = pool_strides[0],
            .stride_w = pool_strides[1],
            .dilation_h = 1,
            .dilation_w = 1,
            .y_padding = y_padding};
}

void QConvMaxPool::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor w = context.input(1);
    plan::ConvProblem problem = windows.problem(x.shape, w.shape, x_zero_point, plan::DataType::int8);
    problem.clamps_above = requantize.clamps_above();
    const kernels::Epilogue epilogue = requantize.epilogue(context.input(2), context.input(3), problem.k);
    const kernels::PoolGeometry geometry = pool(problem);
    const ort::Tensor y =
        context.output(0, padded(ort::Shape{geometry.n, geometry.p, geometry.q, geometry.c}, y_padding));
    if (y.shape.count() == 0) return;
    plan::Arguments arguments{x.as<const int8_t>(), w.as<const int8_t>(), y.data, epilogue, x_zero_point};
    std::string refusal = kernels::stem_pool_refusal(engines::geometry(problem), geometry);
    if (refusal.empty() && alignment(arguments) < plan::kFullAlignment)
        refusal = "a pointer is not aligned to 16 bytes";
    if (refusal.empty())
        return check_cuda(kernels::stem_pool(engines::geometry(problem), geometry, x_zero_point, arguments.x,
                                             arguments.w, epilogue, y.as<int8_t>(), context.stream()));

    plan::explain_slow_kernel(context, "with the pool in the convolution", refusal);
    const std::unique_ptr<plan::Workspace> results =
        context.workspace(static_cast<size_t>(plan::y_bytes(problem)));
    arguments.y = results->data();
    run_aligned(problem, arguments, context);
    check_cuda(kernels::max_pool(geometry, epilogue.zero_point, static_cast<const int8_t*>(arguments.y),
                                 y.as<int8_t>(), context.stream()));
}

void QConvMaxPool::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0), w = context.input(1);
    if (x.size() != 4 || w.size() != 4) return;
    const QConvMaxPool op(context.attributes());
    const auto size = [&](size_t axis) {
        const ort::Dim& taps = w[axis + 1];
        if (taps.extent < 0) return ort::Dim{};
        const ort::Dim conv = window_dim(x[axis + 1], op.windows.pads[axis], op.windows.pads[axis + 2],
                                         taps.extent, op.windows.strides[axis], op.windows.dilations[axis]);
        return window_dim(conv, op.pool_pads[axis], op.pool_pads[axis + 2], op.kernel[axis],
                          op.pool_strides[axis], 1);
    };
    context.set_output(0, kSignature.outputs[0], padded({x[0], size(0), size(1), w[0]}, op.y_padding));
}

}  // namespace qudnn::ops
