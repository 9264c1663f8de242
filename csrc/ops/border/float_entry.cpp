#include "ops/border/float_entry.h"

#include "ops/shared/broadcast.h"

namespace qudnn::ops {

namespace {

// An operand as it is read: transposed, and where its elements lie.
struct Operand {
    ort::Shape shape;
    std::array<int64_t, ort::Shape::kMaxRank> strides{};
};

Operand operand(const ort::Shape& x) {
    Operand o{x};
    int64_t stride = 1;
    for (size_t i = x.rank(); i-- > 0;) {
        o.strides[i] = stride;
        stride *= x[i];
    }
    return o;
}

Operand operand(const ort::Shape& x, const std::vector<int64_t>& perm) {
    require(x.rank() == perm.size(), "an operand does not have its perm's rank");
    const Operand dense = operand(x);
    Operand o{ort::Shape(x.rank())};
    for (size_t i = 0; i < x.rank(); ++i) {
        o.shape[i] = x[perm[i]];
        o.strides[i] = dense.strides[perm[i]];
    }
    return o;
}

template <size_t kOperands>
ort::Shape broadcast_of(const std::array<Operand, kOperands>& operands) {
    ort::Shape shape = operands[0].shape;
    for (size_t i = 1; i < kOperands; ++i) shape = broadcast_shape(shape, operands[i].shape);
    return shape;
}

template <size_t kOperands>
kernels::FloatEntryGeometry<static_cast<int>(kOperands)> geometry_of(
    const Entry& entry, const std::array<Operand, kOperands>& operands, const ort::Shape& outside) {
    const kernels::BorderGeometry border = entry.geometry(outside);
    kernels::FloatEntryGeometry<static_cast<int>(kOperands)> g{};
    g.rank = border.rank;
    for (int d = 0; d < g.rank; ++d) {
        g.inside[d] = border.inside[d];
        g.before[d] = border.before[d];
        g.extent[d] = border.extent[d];
        const auto axis = static_cast<size_t>(entry.perm[d]);
        for (size_t o = 0; o < kOperands; ++o) {
            const size_t missing = outside.rank() - operands[o].shape.rank();
            if (axis < missing || operands[o].shape[axis - missing] == 1) continue;  // repeated
            g.stride[o][d] = operands[o].strides[axis - missing];
        }
    }
    return g;
}

// Dims of x transposed by perm; none where the rank differs.
std::vector<ort::Dim> transposed(const std::vector<ort::Dim>& x, const std::vector<int64_t>& perm) {
    std::vector<ort::Dim> y;
    if (x.size() == perm.size())
        for (const int64_t axis : perm) y.push_back(x[axis]);
    return y;
}

void infer_entry(const ort::InferenceContext& context, size_t inputs, const FloatBinaryEntry& op) {
    const std::vector<ort::Dim> a = transposed(context.input(0), op.a_perm),
                                b = transposed(context.input(1), op.b_perm);
    if (a.empty() || b.empty()) return;
    std::vector<ort::Dim> outside = broadcast_dims(a, b);
    for (size_t i = 2; i < inputs; ++i) outside = broadcast_dims(outside, context.input(i));
    op.entry.infer_of(outside, context);
}

}  // namespace

FloatBinaryEntry::FloatBinaryEntry(const ort::Attributes& attributes)
    : entry(attributes),
      a_perm(read_perm(attributes, "a_perm")),
      b_perm(read_perm(attributes, "b_perm")),
      formula{attributes.real("low"), attributes.real("high"), attributes.real("scale"),
              attributes.integer("zero_point", -128, 127)} {
    require(!entry.perm.empty(), "perm has no dimensions");
}

void AddToIsland::compute(Context& context) const {
    const ort::Tensor a = context.input(0), b = context.input(1);
    const ort::Tensor bias = context.input(2), divisor = context.input(3);
    const std::array<Operand, 4> operands{operand(a.shape, a_perm), operand(b.shape, b_perm),
                                          operand(bias.shape), operand(divisor.shape)};
    const ort::Shape outside = broadcast_of(operands);
    const ort::Tensor y = context.output(0, entry.inside(outside));
    if (y.shape.count() == 0) return;
    const float* const data[4] = {a.as<const float>(), b.as<const float>(), bias.as<const float>(),
                                  divisor.as<const float>()};
    check_cuda(kernels::add_to_island(geometry_of(entry, operands, outside), formula, data, y.as<int8_t>(),
                                      context.stream()));
}

void AddToIsland::infer(const ort::InferenceContext& context) {
    infer_entry(context, 4, FloatBinaryEntry(context.attributes()));
}

MulToIsland::MulToIsland(const ort::Attributes& attributes)
    : FloatBinaryEntry(attributes),
      gelu(attributes.integer("gelu", 0, 1) == 1),
      gate{static_cast<kernels::FloatGate::Kind>(attributes.integer("gate", 0, 2)), attributes.real("alpha"),
           attributes.real("beta")} {}

void MulToIsland::compute(Context& context) const {
    const ort::Tensor a = context.input(0), b = context.input(1), divisor = context.input(2);
    const std::array<Operand, 3> operands{operand(a.shape, a_perm), operand(b.shape, b_perm),
                                          operand(divisor.shape)};
    const ort::Shape outside = broadcast_of(operands);
    const ort::Tensor y = context.output(0, entry.inside(outside));
    if (y.shape.count() == 0) return;
    const float* const data[3] = {a.as<const float>(), b.as<const float>(), divisor.as<const float>()};
    check_cuda(kernels::mul_to_island(geometry_of(entry, operands, outside), formula, gelu, gate, data,
                                      y.as<int8_t>(), context.stream()));
}

void MulToIsland::infer(const ort::InferenceContext& context) {
    infer_entry(context, 3, FloatBinaryEntry(context.attributes()));
}

}  // namespace qudnn::ops
