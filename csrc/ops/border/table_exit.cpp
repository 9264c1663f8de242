#include "ops/border/table_exit.h"

#include "kernels/border/table_exit.h"
#include "ops/shared/float_table.h"

namespace qudnn::ops {

void TableFromIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Shape outside = exit.outside(x.shape);
    const kernels::FloatTable table = float_table(context.input(1), std::min(exit.channels, x.shape.back()));
    const ort::Tensor y = context.output(0, outside);
    if (y.shape.count() == 0) return;
    check_cuda(kernels::table_from_island(exit.geometry(x.shape), table, x.as<const int8_t>(), y.as<float>(),
                                          context.stream()));
}

void TableFromIsland::infer(const ort::InferenceContext& context) {
    Exit(context.attributes()).infer(context, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
