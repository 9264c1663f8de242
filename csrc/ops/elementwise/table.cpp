#include "ops/elementwise/table.h"

#include "kernels/elementwise/padded_table.h"
#include "kernels/elementwise/table.h"

namespace qudnn::ops {

void QTable::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor table = context.input(1);
    const bool per_channel = table.shape.rank() == 2;
    require(table.shape.rank() > 0 && table.shape.rank() <= 2 && table.shape.back() == 256,
            "table has to be of shape [256] or [channels,256]");
    require(!per_channel || (x.shape.rank() > 0 && table.shape[0] == x.shape.back()),
            "table does not have a row for each channel of x, its last dimension");
    const ort::Tensor y = context.output(0, padded(x.shape, y_padding));
    const int64_t count = y.shape.count();
    if (count == 0) return;
    const auto* values = table.as<const int8_t>();
    const auto* source = x.as<const int8_t>();
    if (y_padding.any()) {
        const ort::Shape& s = x.shape;
        check_cuda(kernels::padded_table({s[0], s[1], s[2], s[3], y_padding, y_zero_point}, per_channel,
                                         values, source, y.as<int8_t>(), context.stream()));
        return;
    }
    const cudaError_t status = per_channel
                                   ? kernels::channel_table(count / x.shape.back(), x.shape.back(), values,
                                                            source, y.as<int8_t>(), context.stream())
                                   : kernels::table(count, values, source, y.as<int8_t>(), context.stream());
    check_cuda(status);
}

void QTable::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    if (!x.empty())
        context.set_output(0, kSignature.outputs[0], padded(x, output_padding(context.attributes())));
}

}  // namespace qudnn::ops
