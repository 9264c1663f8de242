#include "ops/shared/batch_matmul_layout.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "ops/shared/broadcast.h"

namespace qudnn::ops {

namespace {

void require(bool condition, const char* what) {
    if (!condition) throw std::invalid_argument(what);
}

// The length of an axis after slicing.
int64_t remaining(const OperandSlice& part, size_t axis, int64_t extent) {
    return std::max<int64_t>(0, std::min(part.ends[axis], extent) - part.starts[axis]);
}

// The same of a dimension that may be unknown.
ort::Dim remaining(const OperandSlice& part, size_t axis, const ort::Dim& dim) {
    if (dim.extent >= 0) return ort::Dim::of(remaining(part, axis, dim.extent));
    if (part.starts[axis] == 0 && part.ends[axis] == ort::Dim::kAll) return dim;
    return {};
}

bool is_permutation(const std::vector<int64_t>& perm) {
    for (size_t i = 0; i < perm.size(); ++i)
        if (std::find(perm.begin(), perm.end(), static_cast<int64_t>(i)) == perm.end()) return false;
    return true;
}

// A strided view of a tensor, its dimensions not in the order of memory.
struct View {
    ort::Shape shape, stride;
    int64_t offset = 0;

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

ort::Shape dense_strides(const ort::Shape& shape) {
    ort::Shape strides(shape.rank());
    int64_t stride = 1;
    for (size_t i = shape.rank(); i-- > 0; stride *= shape[i]) strides[i] = stride;
    return strides;
}

// perm: an axis for each of the shape.
View transposed(const ort::Shape& shape, const ort::Shape& strides, const int64_t* perm) {
    View view{ort::Shape(shape.rank()), ort::Shape(shape.rank())};
    for (size_t i = 0; i < shape.rank(); ++i) {
        view.shape[i] = shape[static_cast<size_t>(perm[i])];
        view.stride[i] = strides[static_cast<size_t>(perm[i])];
    }
    return view;
}

View view_of(const ort::Shape& shape, const OperandSlice& part) {
    require(shape.rank() == part.perm.size() && shape.rank() >= 2,
            "a and b need at least two dimensions, and permutations of as many");
    const ort::Shape strides = dense_strides(shape);
    ort::Shape left(shape.rank());
    int64_t offset = 0;
    for (size_t i = 0; i < shape.rank(); ++i) {
        left[i] = remaining(part, i, shape[i]);
        offset += std::min(part.starts[i], shape[i]) * strides[i];
    }
    View view = transposed(left, strides, part.perm.data());
    if (left.count() > 0)
        view.offset = offset;  // NOTE: nothing is read of an empty slice, wherever it starts
    return view;
}

// A dimension of the batch.
struct Axis {
    int64_t extent, a, b, y;

    // Whether one step of this axis is as long as all of the other, inner axis: then they merge.
    bool continues(const Axis& inner) const {
        return a == inner.a * inner.extent && b == inner.b * inner.extent && y == inner.y * inner.extent;
    }
};

// Those of a batch, outermost first: as many as a tensor has, at most, without an allocation.
class Axes {
  public:
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    Axis& back() { return all_[size_ - 1]; }
    const Axis* begin() const { return all_.data(); }
    const Axis* end() const { return all_.data() + size_; }
    const Axis& operator[](size_t i) const { return all_[i]; }
    void push_back(const Axis& axis) { all_[size_++] = axis; }
    void pop_back() { --size_; }

  private:
    std::array<Axis, ort::Shape::kMaxRank> all_;
    size_t size_ = 0;
};

// Outermost first, neighbours merged where possible. If all matmuls of the innermost axis share b, the
// matrices of a along it merge into one with more rows.
Axes join(const Axes& axes, plan::BatchMatMulProblem& problem) {
    Axes joined;
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

OperandSlice OperandSlice::whole(size_t rank) {
    OperandSlice part{std::vector<int64_t>(rank, 0), std::vector<int64_t>(rank, ort::Dim::kAll),
                      std::vector<int64_t>(rank)};
    std::iota(part.perm.begin(), part.perm.end(), 0);
    return part;
}

OperandSlice OperandSlice::read(const std::string& name, const ort::Attributes& attributes) {
    const auto integers = [&](const char* what) { return attributes.integers((name + what).c_str()); };
    OperandSlice part{integers("_starts"), integers("_ends"), integers("_perm")};
    const auto check = [&](bool condition, const char* what) {
        if (!condition) throw std::invalid_argument(name + what);
    };
    check(part.perm.size() >= 2 && is_permutation(part.perm), "_perm is no permutation");
    for (const auto* bounds : {&part.starts, &part.ends}) {
        check(bounds->size() == part.perm.size() &&
                  std::all_of(bounds->begin(), bounds->end(), [](int64_t bound) { return bound >= 0; }),
              "_starts or _ends is negative, or has not one bound for each axis");
    }
    return part;
}

BatchMatMulLayout::BatchMatMulLayout(OperandSlice of_a, OperandSlice of_b, std::vector<int64_t> perm_of_y)
    : a(std::move(of_a)), b(std::move(of_b)), y_perm(std::move(perm_of_y)) {
    require(y_perm.size() >= 2 && is_permutation(y_perm), "y_perm is no permutation");
    const auto last = [](const std::vector<int64_t>& perm) { return static_cast<int64_t>(perm.size()) - 1; };
    require(a.perm.back() == last(a.perm) && y_perm.back() == last(y_perm),
            "the permutations of the left matrix and of y have to keep the last axis");
    require(b.perm.back() == last(b.perm) || *(b.perm.end() - 2) == last(b.perm),
            "the permutation of the right matrix has to keep the last axis among the last two");
    require(y_perm.size() == std::max(a.perm.size(), b.perm.size()),
            "y_perm does not fit the permutations of the matrices");
}

BatchMatMulLayout::BatchMatMulLayout(const ort::Attributes& attributes, bool padded)
    : BatchMatMulLayout(OperandSlice::read("a", attributes), OperandSlice::read("b", attributes),
                        attributes.integers("y_perm")) {
    if (padded) read_padding(attributes);
}

void BatchMatMulLayout::read_padding(const ort::Attributes& attributes) {
    const std::vector<int64_t> pads = attributes.extents("pads", 0);
    require(pads.size() == 2 * y_perm.size() &&
                std::all_of(pads.begin(), pads.end() - 1, [](int64_t pad) { return pad == 0; }),
            "pads may only append columns");
    padding = pads.back();
}

PlacedMatMul BatchMatMulLayout::place(const ort::Shape& a_shape, const ort::Shape& b_shape,
                                      bool joined) const {
    const View a = view_of(a_shape, this->a), b = view_of(b_shape, this->b);
    plan::BatchMatMulProblem p;
    p.m = a.rows();
    p.k = a.shape.back();
    p.n = b.shape.back();
    p.width = p.n + padding;
    require(p.k == b.rows(), "the depths of a and b differ");
    p.b_transposed = this->b.perm.back() + 1 != static_cast<int64_t>(this->b.perm.size());
    p.a_stride[3] = a.row_stride();
    p.b_stride[3] = p.b_transposed ? b.stride.back() : b.row_stride();

    const ort::Shape batch = broadcast_shape(a.batch(), b.batch());
    const size_t rank = batch.rank();
    ort::Shape result(rank + 2), y_shape(rank + 2);  // before and after y_perm
    std::copy_n(batch.data(), rank, result.data());
    result[rank] = p.m, result[rank + 1] = p.width;
    ort::Shape order(y_perm.size());  // axis i of the result is axis order[i] of y
    for (size_t i = 0; i < y_perm.size(); ++i) {
        y_shape[i] = result[static_cast<size_t>(y_perm[i])];
        order[static_cast<size_t>(y_perm[i])] = static_cast<int64_t>(i);
    }
    require(y_shape.has_size(), "y is too large");
    const View y = transposed(y_shape, dense_strides(y_shape), order.data());
    p.y_stride[3] = y.row_stride();

    Axes axes;
    for (size_t i = 0; i < rank; ++i) {
        axes.push_back({batch[i], a.batch_stride(rank, i), b.batch_stride(rank, i), y.stride[i]});
    }
    if (joined) axes = join(axes, p);
    if (axes.size() > p.batch.size()) {
        throw std::invalid_argument("the batch " + batch.text() +
                                    " has more than 3 dimensions of which no two are as one");
    }
    for (size_t i = 0; i < axes.size(); ++i) {
        const size_t at = p.batch.size() - axes.size() + i;
        p.batch[at] = axes[i].extent;
        p.a_stride[at] = axes[i].a, p.b_stride[at] = axes[i].b, p.y_stride[at] = axes[i].y;
    }
    plan::check_sizes(p);
    return {p, a.offset, b.offset, y_shape};
}

std::vector<ort::Dim> BatchMatMulLayout::infer(const std::vector<ort::Dim>& a_dims,
                                               const std::vector<ort::Dim>& b_dims) const {
    if (a_dims.size() != a.perm.size() || b_dims.size() != b.perm.size()) return {};
    const auto seen = [](const std::vector<ort::Dim>& dims, const OperandSlice& part) {
        std::vector<ort::Dim> seen;
        for (const int64_t axis : part.perm) {
            const auto i = static_cast<size_t>(axis);
            seen.push_back(remaining(part, i, dims[i]));
        }
        return seen;
    };
    const std::vector<ort::Dim> rows = seen(a_dims, a), columns = seen(b_dims, b);
    std::vector<ort::Dim> result =
        broadcast_dims({rows.begin(), rows.end() - 2}, {columns.begin(), columns.end() - 2});
    result.push_back(*(rows.end() - 2));
    ort::Dim width = columns.back();
    if (width.extent >= 0) {
        width = ort::Dim::of(width.extent + padding);
    } else if (padding != 0) {
        width = {};
    }
    result.push_back(width);
    std::vector<ort::Dim> y;
    for (const int64_t axis : y_perm) y.push_back(result[static_cast<size_t>(axis)]);
    return y;
}

}  // namespace qudnn::ops
