#include "ops/elementwise/add.h"

#include "kernels/elementwise/add.h"
#include "ops/shared/broadcast.h"

namespace qudnn::ops {

namespace {

// onnxruntime swaps the operands if a is the one that repeats within a span, which changes the order of the
// two roundings (1.30, qlinear_binary_op.cc, QLinearAdd::Compute). A span runs along the innermost axis that
// both operands have and that is not 1 in both.
bool exchanged(const ort::Shape& a, const ort::Shape& b) {
    const size_t common = std::min(a.rank(), b.rank());
    if (common == 0) return a.rank() == 0 || a.back() <= 1;
    size_t axis = 1;
    while (axis < common && a[a.rank() - axis] == 1 && b[b.rank() - axis] == 1) ++axis;
    return a[a.rank() - axis] == 1;
}

}  // namespace

void QAdd::compute(Context& context) const {
    ort::Tensor a = context.input(0);
    ort::Tensor b = context.input(1);
    const ort::Tensor y = context.output(0, broadcast_shape(a.shape, b.shape));
    if (y.shape.count() == 0) return;
    kernels::BinaryScales s = scales;
    if (exchanged(a.shape, b.shape)) {
        std::swap(a, b);
        std::swap(s.a_scale, s.b_scale);
        std::swap(s.a_zero_point, s.b_zero_point);
    }
    check_cuda(kernels::add(broadcast_geometry<2>({a.shape, b.shape}, y.shape), s, a.as<const int8_t>(),
                            b.as<const int8_t>(), y.as<int8_t>(), context.stream()));
}

void QAdd::infer(const ort::InferenceContext& context) { infer_broadcast(context, 2, kSignature.outputs[0]); }

}  // namespace qudnn::ops
