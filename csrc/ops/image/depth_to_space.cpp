#include "ops/image/depth_to_space.h"

#include "kernels/image/depth_to_space.h"

namespace qudnn::ops {

QDepthToSpace::QDepthToSpace(const ort::Attributes& attributes)
    : block(attributes.integer("blocksize", 1, 1 << 15)), crop(attributes.extents<4>("crop", 0)) {}

int64_t QDepthToSpace::side(int64_t extent, size_t axis) const {
    return std::max<int64_t>(extent * block - crop[axis] - crop[axis + 2], 0);
}

void QDepthToSpace::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() == 4, "x has to be of rank 4");
    const int64_t n = x.shape[0], h = x.shape[1], w = x.shape[2];
    require(x.shape[3] % (block * block) == 0, "channels are no multiple of blocksize squared");
    const int64_t c = x.shape[3] / (block * block), p = side(h, 0), q = side(w, 1);
    const ort::Tensor y = context.output(0, {n, p, q, c});
    if (y.shape.count() == 0) return;
    check_cuda(kernels::depth_to_space({n, h, w, c, p, q, block, crop[0], crop[1]}, x.as<const int8_t>(),
                                       y.as<int8_t>(), context.stream()));
}

void QDepthToSpace::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    if (x.size() != 4) return;
    const QDepthToSpace op(context.attributes());
    const auto dim = [&](size_t axis) {
        const int64_t extent = x[axis + 1].extent;
        return extent < 0 ? ort::Dim{} : ort::Dim::of(op.side(extent, axis));
    };
    const ort::Dim channels =
        x[3].extent < 0 ? ort::Dim{} : ort::Dim::of(x[3].extent / (op.block * op.block));
    context.set_output(0, kSignature.outputs[0], {x[0], dim(0), dim(1), channels});
}

}  // namespace qudnn::ops
