#include "ops/broadcast.h"

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

kernels::Broadcast broadcast_geometry(const ort::Shape& a, const ort::Shape& b, const ort::Shape& y) {
    struct Axis {
        int64_t extent, a_stride, b_stride;
    };
    std::vector<Axis> axes;  // innermost first
    int64_t a_stride = 1, b_stride = 1;
    for (size_t i = y.rank(); i-- > 0;) {
        const int64_t from_a = extent_at(a, y.rank(), i), from_b = extent_at(b, y.rank(), i);
        if (y[i] == 1) continue;
        const Axis axis{y[i], from_a == 1 ? 0 : a_stride, from_b == 1 ? 0 : b_stride};
        a_stride *= from_a;
        b_stride *= from_b;
        Axis* inner = axes.empty() ? nullptr : &axes.back();
        if (inner != nullptr && axis.a_stride == inner->a_stride * inner->extent &&
            axis.b_stride == inner->b_stride * inner->extent) {
            inner->extent *= axis.extent;
        } else {
            axes.push_back(axis);
        }
    }
    if (axes.empty()) return kernels::Broadcast::none(1);
    kernels::Broadcast g{};
    g.rank = static_cast<int>(axes.size());
    for (size_t i = 0; i < axes.size(); ++i) {
        const Axis& axis = axes[axes.size() - 1 - i];
        g.extent[i] = axis.extent;
        g.a_stride[i] = axis.a_stride;
        g.b_stride[i] = axis.b_stride;
    }
    return g;
}

std::vector<ort::Dim> broadcast_dims(const std::vector<ort::Dim>& a, const std::vector<ort::Dim>& b) {
    std::vector<ort::Dim> y(std::max(a.size(), b.size()));
    for (size_t i = 0; i < y.size(); ++i)
        y[i] = broadcast_dim(dim_at(a, y.size(), i), dim_at(b, y.size(), i));
    return y;
}

}  // namespace qudnn::ops
