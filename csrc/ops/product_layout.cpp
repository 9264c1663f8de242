#include "ops/product_layout.h"

#include <algorithm>
#include <stdexcept>

#include "ops/broadcast.h"

namespace qudnn::ops {

namespace {

void require(bool condition, const char* what) {
    if (!condition) throw std::invalid_argument(what);
}

bool is_permutation(const std::vector<int64_t>& perm) {
    for (size_t i = 0; i < perm.size(); ++i)
        if (std::find(perm.begin(), perm.end(), static_cast<int64_t>(i)) == perm.end()) return false;
    return true;
}

// A tensor whose dimensions are not in the order of its memory.
struct View {
    ort::Shape shape, stride;

    int64_t rows() const { return shape[shape.rank() - 2]; }
    int64_t row_stride() const { return stride[shape.rank() - 2]; }
    ort::Shape batch() const {
        ort::Shape batch(shape.rank() - 2);
        std::copy_n(shape.data(), batch.rank(), batch.data());
        return batch;
    }
    // The stride along axis i of a batch of `rank` dimensions; 0 where it is repeated.
    int64_t batch_stride(size_t rank, size_t i) const {
        const size_t own = shape.rank() - 2, missing = rank - own;
        return i < missing || shape[i - missing] == 1 ? 0 : stride[i - missing];
    }
};

View transposed(const ort::Shape& shape, const std::vector<int64_t>& perm) {
    require(shape.rank() == perm.size() && shape.rank() >= 2,
            "a and b need at least two dimensions, and permutations of as many");
    ort::Shape dense(shape.rank());
    int64_t stride = 1;
    for (size_t i = shape.rank(); i-- > 0; stride *= shape[i]) dense[i] = stride;
    View view{ort::Shape(shape.rank()), ort::Shape(shape.rank())};
    for (size_t i = 0; i < perm.size(); ++i) {
        view.shape[i] = shape[static_cast<size_t>(perm[i])];
        view.stride[i] = dense[static_cast<size_t>(perm[i])];
    }
    return view;
}

// A dimension of the batch.
struct Axis {
    int64_t extent, a, b, y;

    // Whether one step of this axis is as long as the other, inner one.
    bool continues(const Axis& inner) const {
        return a == inner.a * inner.extent && b == inner.b * inner.extent && y == inner.y * inner.extent;
    }
};

// Outermost first, neighbours joined that can be. Where all products of the innermost axis share b, its
// matrices of a are one of more rows.
std::vector<Axis> join(std::vector<Axis> axes, plan::BatchMatMulProblem& problem) {
    std::vector<Axis> joined;
    for (const Axis& axis : axes) {
        if (axis.extent == 1) continue;
        if (!joined.empty() && joined.back().continues(axis)) {
            joined.back() = {joined.back().extent * axis.extent, axis.a, axis.b, axis.y};
        } else {
            joined.push_back(axis);
        }
    }
    const Axis rows{problem.m, problem.a_stride[3], 0, problem.y_stride[3]};
    if (!joined.empty() && joined.back().continues(rows)) {
        problem.m *= joined.back().extent;
        joined.pop_back();
    }
    return joined;
}

}  // namespace

ProductLayout::ProductLayout(const ort::Attributes& attributes, bool padded)
    : a_perm(attributes.integers("a_perm")),
      b_perm(attributes.integers("b_perm")),
      y_perm(attributes.integers("y_perm")),
      depth(attributes.integer("depth")),
      columns(attributes.integer("columns")) {
    for (const auto* perm : {&a_perm, &b_perm, &y_perm}) {
        require(perm->size() >= 2 && is_permutation(*perm), "a_perm, b_perm or y_perm is no permutation");
    }
    const auto last = [](const std::vector<int64_t>& perm) { return static_cast<int64_t>(perm.size()) - 1; };
    require(a_perm.back() == last(a_perm) && y_perm.back() == last(y_perm),
            "a_perm and y_perm have to keep the last axis");
    require(b_perm.back() == last(b_perm) || *(b_perm.end() - 2) == last(b_perm),
            "b_perm has to keep the last axis among the last two");
    require(y_perm.size() == std::max(a_perm.size(), b_perm.size()), "y_perm does not fit a_perm and b_perm");
    require(depth >= 0 && columns >= 0, "depth and columns must not be negative");
    if (!padded) return;
    const std::vector<int64_t> pads = attributes.integers("pads");
    require(pads.size() == 2 * y_perm.size() && pads.back() >= 0 &&
                std::all_of(pads.begin(), pads.end() - 1, [](int64_t pad) { return pad == 0; }),
            "pads may only append columns");
    padding = pads.back();
}

std::pair<plan::BatchMatMulProblem, ort::Shape> ProductLayout::problem(const ort::Shape& a_shape,
                                                                       const ort::Shape& b_shape) const {
    const View a = transposed(a_shape, a_perm), b = transposed(b_shape, b_perm);
    plan::BatchMatMulProblem p;
    p.m = a.rows();
    p.k = std::min(depth, a.shape.back());
    p.n = std::min(columns, b.shape.back());
    p.width = p.n + padding;
    require(p.k == std::min(depth, b.rows()), "a and b have other depths");
    p.b_transposed = b_perm.back() + 1 != static_cast<int64_t>(b_perm.size());
    p.a_stride[3] = a.row_stride();
    p.b_stride[3] = p.b_transposed ? b.stride.back() : b.row_stride();

    const ort::Shape batch = broadcast_shape(a.batch(), b.batch());
    const size_t rank = batch.rank();
    ort::Shape result(rank + 2), y_shape(rank + 2);  // before and after y_perm
    std::copy_n(batch.data(), rank, result.data());
    result[rank] = p.m, result[rank + 1] = p.width;
    std::vector<int64_t> order(y_perm.size());  // axis i of the result is axis order[i] of y
    for (size_t i = 0; i < y_perm.size(); ++i) {
        y_shape[i] = result[static_cast<size_t>(y_perm[i])];
        order[static_cast<size_t>(y_perm[i])] = static_cast<int64_t>(i);
    }
    const View y = transposed(y_shape, order);
    p.y_stride[3] = y.row_stride();

    std::vector<Axis> axes;
    for (size_t i = 0; i < rank; ++i) {
        axes.push_back({batch[i], a.batch_stride(rank, i), b.batch_stride(rank, i), y.stride[i]});
    }
    axes = join(std::move(axes), p);
    if (axes.size() > p.batch.size()) {
        throw std::invalid_argument("the batch " + batch.text() +
                                    " has more than 3 dimensions of which no two are as one");
    }
    for (size_t i = 0; i < axes.size(); ++i) {
        const size_t at = p.batch.size() - axes.size() + i;
        p.batch[at] = axes[i].extent;
        p.a_stride[at] = axes[i].a, p.b_stride[at] = axes[i].b, p.y_stride[at] = axes[i].y;
    }
    return {p, y_shape};
}

std::vector<ort::Dim> ProductLayout::infer(const std::vector<ort::Dim>& a,
                                           const std::vector<ort::Dim>& b) const {
    if (a.size() != a_perm.size() || b.size() != b_perm.size()) return {};
    const auto batch = [](const std::vector<ort::Dim>& dims, const std::vector<int64_t>& perm) {
        std::vector<ort::Dim> batch;
        for (size_t i = 0; i + 2 < perm.size(); ++i) batch.push_back(dims[static_cast<size_t>(perm[i])]);
        return batch;
    };
    std::vector<ort::Dim> result = broadcast_dims(batch(a, a_perm), batch(b, b_perm));
    result.push_back(a[static_cast<size_t>(*(a_perm.end() - 2))]);
    ort::Dim width = b[static_cast<size_t>(b_perm.back())];
    if (width.extent >= 0) {
        width = ort::Dim::of(std::min(width.extent, columns) + padding);
    } else if (columns != INT64_MAX || padding != 0) {
        width = {};
    }
    result.push_back(width);
    std::vector<ort::Dim> y;
    for (const int64_t axis : y_perm) y.push_back(result[static_cast<size_t>(axis)]);
    return y;
}

}  // namespace qudnn::ops
