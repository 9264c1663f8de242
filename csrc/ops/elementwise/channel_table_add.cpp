#include "ops/elementwise/channel_table_add.h"

#include "kernels/elementwise/table.h"

namespace qudnn::ops {

QChannelTableAdd::QChannelTableAdd(const ort::Attributes& attributes)
    : scales(read_binary_scales(attributes, "sum")),
      result_first(attributes.integer("result_first", 0, 1) != 0) {}

void QChannelTableAdd::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor r = context.input(1);
    const ort::Tensor table = context.input(2);
    require(r.shape == x.shape, "the shapes of x and the residual differ");
    require(x.shape.rank() > 0, "x has no dimensions");
    require(table.shape == ort::Shape{x.shape.back(), 256},
            "table does not have a row of 256 values for each channel of x, its last dimension");
    const ort::Tensor y = context.output(0, x.shape);
    const int64_t count = x.shape.count();
    if (count == 0) return;
    kernels::Residual residual{.r = r.as<const int8_t>(), .scales = scales, .y_first = result_first};
    // As QAdd: of one element alone, onnxruntime exchanges the operands.
    if (count == 1) {
        residual.y_first = !result_first;
        std::swap(residual.scales.a_scale, residual.scales.b_scale);
        std::swap(residual.scales.a_zero_point, residual.scales.b_zero_point);
    }
    check_cuda(kernels::channel_table_add(count / x.shape.back(), x.shape.back(), table.as<const int8_t>(),
                                          x.as<const int8_t>(), residual, y.as<int8_t>(), context.stream()));
}

void QChannelTableAdd::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    if (!x.empty()) context.set_output(0, kSignature.outputs[0], x);
}

}  // namespace qudnn::ops
