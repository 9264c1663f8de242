#include "ops/shared/broadcast.h"

#include <algorithm>
#include <stdexcept>

namespace qudnn::ops {

namespace {

// Axis i of a result of that rank, in an operand that may have fewer axes.
int64_t extent_at(const ort::Shape& shape, size_t rank, size_t i) {
    const size_t missing = rank - shape.rank();
    return i < missing ? 1 : shape[i - missing];
}

ort::Dim dim_at(const std::vector<ort::Dim>& dims, size_t rank, size_t i) {
    const size_t missing = rank - dims.size();
    return i < missing ? ort::Dim::of(1) : dims[i - missing];
}

ort::Dim broadcast_dim(const ort::Dim& a, const ort::Dim& b) {
    if (a.extent == 1) return b;
    if (b.extent == 1) return a;
    if (a.extent >= 0) return a;
    if (b.extent >= 0) return b;
    return a.symbol == b.symbol ? a : ort::Dim{};
}

}  // namespace

ort::Shape broadcast_shape(const ort::Shape& a, const ort::Shape& b) {
    ort::Shape y(std::max(a.rank(), b.rank()));
    for (size_t i = 0; i < y.rank(); ++i) {
        const int64_t from_a = extent_at(a, y.rank(), i), from_b = extent_at(b, y.rank(), i);
        if (from_a != from_b && from_a != 1 && from_b != 1) {
            throw std::invalid_argument("a and b do not broadcast");
        }
        y[i] = from_a == 1 ? from_b : from_a;
    }
    return y;
}

template <size_t kOperands>
kernels::Broadcast<static_cast<int>(kOperands)> broadcast_geometry(
    const std::array<ort::Shape, kOperands>& operands, const ort::Shape& y) {
    using Strides = std::array<int64_t, kOperands>;
    struct Axis {
        int64_t extent;
        Strides stride;
    };
    std::array<Axis, ort::Shape::kMaxRank> axes;  // innermost first
    size_t count = 0;
    Strides dense;  // of each operand, without what it repeats
    dense.fill(1);
    for (size_t i = y.rank(); i-- > 0;) {
        if (y[i] == 1) continue;
        Axis axis{y[i], {}};
        for (size_t o = 0; o < kOperands; ++o) {
            const int64_t extent = extent_at(operands[o], y.rank(), i);
            axis.stride[o] = extent == 1 ? 0 : dense[o];
            dense[o] *= extent;
        }
        const auto continues = [&](const Axis& inner) {
            for (size_t o = 0; o < kOperands; ++o)
                if (axis.stride[o] != inner.stride[o] * inner.extent) return false;
            return true;
        };
        if (count > 0 && continues(axes[count - 1])) {
            axes[count - 1].extent *= axis.extent;
        } else {
            axes[count++] = axis;
        }
    }
    using Geometry = kernels::Broadcast<static_cast<int>(kOperands)>;
    if (count == 0) return Geometry::none(1);
    Geometry g{};
    g.rank = static_cast<int>(count);
    for (size_t i = 0; i < count; ++i) {
        const Axis& axis = axes[count - 1 - i];
        g.extent[i] = axis.extent;
        for (size_t o = 0; o < kOperands; ++o) g.stride[o][i] = axis.stride[o];
    }
    return g;
}

template kernels::Broadcast<1> broadcast_geometry(const std::array<ort::Shape, 1>&, const ort::Shape&);
template kernels::Broadcast<2> broadcast_geometry(const std::array<ort::Shape, 2>&, const ort::Shape&);
template kernels::Broadcast<3> broadcast_geometry(const std::array<ort::Shape, 3>&, const ort::Shape&);

std::vector<ort::Dim> broadcast_dims(const std::vector<ort::Dim>& a, const std::vector<ort::Dim>& b) {
    std::vector<ort::Dim> y(std::max(a.size(), b.size()));
    for (size_t i = 0; i < y.size(); ++i)
        y[i] = broadcast_dim(dim_at(a, y.size(), i), dim_at(b, y.size(), i));
    return y;
}

void infer_broadcast(const ort::InferenceContext& context, size_t inputs, ort::ElementType type) {
    std::vector<ort::Dim> y = context.input(0);
    for (size_t i = 1; i < inputs; ++i) {
        const std::vector<ort::Dim> other = context.input(i);
        if (y.empty() || other.empty()) return;
        y = broadcast_dims(y, other);
    }
    context.set_output(0, type, y);
}

}  // namespace qudnn::ops
