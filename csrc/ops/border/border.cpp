#include "ops/border/border.h"

#include <algorithm>

#include "kernels/border/half_image.h"

namespace qudnn::ops {

namespace {

// 128 for uint8, 0 for int8: the element outside minus the one inside.
int offset_of(ort::ElementType type) { return type == ort::ElementType::uint8 ? 128 : 0; }

ort::ElementType read_dtype(const ort::Attributes& attributes) {
    const auto type = static_cast<ort::ElementType>(attributes.extent("dtype", 0));
    require(type == ort::ElementType::uint8 || type == ort::ElementType::int8,
            "dtype is neither uint8 nor int8");
    return type;
}

std::array<int64_t, ort::Shape::kMaxRank> dense_strides(const ort::Shape& shape) {
    std::array<int64_t, ort::Shape::kMaxRank> strides{};
    int64_t stride = 1;
    for (size_t i = shape.rank(); i-- > 0;) {
        strides[i] = stride;
        stride *= shape[i];
    }
    return strides;
}

}  // namespace

std::vector<int64_t> read_perm(const ort::Attributes& attributes, const char* name) {
    std::vector<int64_t> perm = attributes.integers(name);
    require(perm.size() <= ort::Shape::kMaxRank, "a perm has more than 8 dimensions");
    std::vector<bool> seen(perm.size(), false);
    for (const int64_t axis : perm) {
        require(axis >= 0 && axis < static_cast<int64_t>(perm.size()) && !seen[axis],
                "a perm is no permutation");
        seen[axis] = true;
    }
    return perm;
}

Entry::Entry(const ort::Attributes& attributes) : perm(read_perm(attributes, "perm")) {
    const std::vector<int64_t> pads = attributes.extents("pads", 0);
    require(pads.size() == 2 * perm.size(), "pads does not have two values per dimension");
    before.assign(pads.begin(), pads.begin() + static_cast<ptrdiff_t>(perm.size()));
    after.assign(pads.begin() + static_cast<ptrdiff_t>(perm.size()), pads.end());
}

ort::Shape Entry::inside(const ort::Shape& outside) const {
    require(outside.rank() == perm.size(), "x does not have perm's rank");
    ort::Shape shape(perm.size());
    for (size_t i = 0; i < perm.size(); ++i) shape[i] = before[i] + outside[perm[i]] + after[i];
    return shape;
}

kernels::BorderGeometry Entry::geometry(const ort::Shape& outside) const {
    const ort::Shape shape = inside(outside);
    const auto strides = dense_strides(outside);
    kernels::BorderGeometry g{};
    g.rank = static_cast<int>(perm.size());
    for (size_t i = 0; i < perm.size(); ++i) {
        g.inside[i] = shape[i];
        g.before[i] = before[i];
        g.extent[i] = outside[perm[i]];
        g.outside_stride[i] = strides[perm[i]];
    }
    return g;
}

void Entry::infer(const ort::InferenceContext& context) const { infer_of(context.input(0), context); }

void Entry::infer_of(const std::vector<ort::Dim>& x, const ort::InferenceContext& context) const {
    if (x.size() != perm.size()) return;
    std::vector<ort::Dim> y;
    for (size_t i = 0; i < perm.size(); ++i) {
        const ort::Dim& dim = x[perm[i]];
        const int64_t padding = before[i] + after[i];
        if (padding == 0) {
            y.push_back(dim);
        } else {
            y.push_back(dim.extent < 0 ? ort::Dim{} : ort::Dim::of(dim.extent + padding));
        }
    }
    context.set_output(0, ort::ElementType::int8, y);
}

Exit::Exit(const ort::Attributes& attributes)
    : perm(read_perm(attributes, "perm")), channels(attributes.integer("channels")) {
    require(!perm.empty() && channels >= 0, "channels is negative, or perm empty");
}

ort::Shape Exit::outside(const ort::Shape& inside) const {
    require(inside.rank() == perm.size(), "x does not have perm's rank");
    ort::Shape kept = inside;
    kept[kept.rank() - 1] = std::min(channels, inside.back());
    ort::Shape shape(perm.size());
    for (size_t i = 0; i < perm.size(); ++i) shape[i] = kept[perm[i]];
    return shape;
}

kernels::BorderGeometry Exit::geometry(const ort::Shape& inside) const {
    const ort::Shape shape = outside(inside);
    const auto strides = dense_strides(shape);
    kernels::BorderGeometry g{};
    g.rank = static_cast<int>(perm.size());
    for (size_t i = 0; i < perm.size(); ++i) {
        g.inside[i] = inside[i];
        g.extent[perm[i]] = shape[i];
        g.outside_stride[perm[i]] = strides[i];
    }
    return g;
}

void Exit::infer(const ort::InferenceContext& context, ort::ElementType type) const {
    std::vector<ort::Dim> x = context.input(0);
    if (x.size() != perm.size()) return;
    x.back() = x.back().first(channels);
    std::vector<ort::Dim> y;
    for (const int64_t axis : perm) y.push_back(x[axis]);
    context.set_output(0, type, y);
}

QuantizeToIsland::QuantizeToIsland(const ort::Attributes& attributes)
    : entry(attributes),
      scale(attributes.real("scale")),
      zero_point(attributes.integer("zero_point", -128, 127)) {}

void QuantizeToIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor y = context.output(0, entry.inside(x.shape));
    if (y.shape.count() == 0) return;
    check_cuda(kernels::quantize_to_island(entry.geometry(x.shape), scale, zero_point, x.as<const float>(),
                                           y.as<int8_t>(), context.stream()));
}

void QuantizeToIsland::infer(const ort::InferenceContext& context) {
    Entry(context.attributes()).infer(context);
}

void QuantizeHalfToIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor y = context.output(0, to_island.entry.inside(x.shape));
    if (y.shape.count() == 0) return;
    check_cuda(kernels::quantize_rounded_to_island(to_island.entry.geometry(x.shape), to_island.scale,
                                                   to_island.zero_point, x.as<const float>(), y.as<int8_t>(),
                                                   context.stream()));
}

ConvertToIsland::ConvertToIsland(const ort::Attributes& attributes)
    : entry(attributes),
      type(read_dtype(attributes)),
      zero_point(attributes.integer("zero_point", -128, 127)) {}

void ConvertToIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.type == type, "x does not have the type that dtype names");
    const ort::Tensor y = context.output(0, entry.inside(x.shape));
    if (y.shape.count() == 0) return;
    check_cuda(kernels::convert_to_island(entry.geometry(x.shape), offset_of(type), zero_point, x.data,
                                          y.as<int8_t>(), context.stream()));
}

void ConvertToIsland::infer(const ort::InferenceContext& context) {
    Entry(context.attributes()).infer(context);
}

DequantizeFromIsland::DequantizeFromIsland(const ort::Attributes& attributes)
    : exit(attributes),
      scale(attributes.real("scale")),
      zero_point(attributes.integer("zero_point", -128, 127)) {}

void DequantizeFromIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const ort::Tensor y = context.output(0, exit.outside(x.shape));
    if (y.shape.count() == 0) return;
    check_cuda(kernels::dequantize_from_island(exit.geometry(x.shape), scale, zero_point,
                                               x.as<const int8_t>(), y.as<float>(), context.stream()));
}

void DequantizeFromIsland::infer(const ort::InferenceContext& context) {
    Exit(context.attributes()).infer(context, kSignature.outputs[0]);
}

ConvertFromIsland::ConvertFromIsland(const ort::Attributes& attributes)
    : exit(attributes), type(read_dtype(attributes)) {}

void ConvertFromIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.type == ort::ElementType::int8, "x is not int8");
    const ort::Tensor y = context.output(0, exit.outside(x.shape));
    if (y.shape.count() == 0) return;
    check_cuda(kernels::convert_from_island(exit.geometry(x.shape), offset_of(type), x.as<const int8_t>(),
                                            y.data, context.stream()));
}

void ConvertFromIsland::infer(const ort::InferenceContext& context) {
    Exit(context.attributes()).infer(context, read_dtype(context.attributes()));
}

}  // namespace qudnn::ops
