// What to compute, as plain values: the key under which a plan is kept.
//
// Zero points, clamp bounds and scales are not part of a problem: engines take them at run time, so that
// layers that differ in nothing else share one plan. What changes the work itself is part of it: whether
// padding counts as something else than 0, whether the result is clamped from above.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <variant>

#include "export.h"
#include "kernels/common/output_padding.h"

namespace qudnn::plan {

enum class DataType : int64_t { float32 = 1, int8 = 3, int32 = 6 };  // ONNX's numbers; x is int8

constexpr int64_t bytes_of(DataType type) { return type == DataType::int8 ? 1 : 4; }

// What a convolution with int8 results adds to them before they are written: see kernels::Residual.
enum Addition : int64_t { adds_nothing = 0, adds_rounded = 1, adds_in_float = 2 };

constexpr int64_t kFullAlignment = 16;

// Channels-last: x [n,h,w,c], filter [k,r,s,c/group], y [n,p,q,k] within y_padding, which is of y's zero
// point; of int8 results only. Filter and y are dense.
// In three dimensions: x [n,d,h,w,c], filter [k,t,r,s,c/group], y [n,z,p,q,k], all of them dense; x_stride is
// not used, and there is neither y_padding nor a residual nor a table. An image is a volume of depth 1.
struct ConvProblem {
    int64_t n = 1, d = 1, h = 1, w = 1, c = 1;
    int64_t k = 1, t = 1, r = 1, s = 1;
    int64_t z = 1, p = 1, q = 1;
    int64_t pad_front = 0, pad_top = 0, pad_left = 0, pad_back = 0, pad_bottom = 0, pad_right = 0;
    int64_t stride_d = 1, stride_h = 1, stride_w = 1;
    int64_t dilation_d = 1, dilation_h = 1, dilation_w = 1;
    int64_t group = 1;
    kernels::OutputPadding y_padding;
    std::array<int64_t, 4> x_stride{};   // of n, h, w, c, in elements
    bool pads_with_value = false;        // padding stands for a zero point other than 0
    bool clamps_above = false;           // an upper bound below 127
    Addition adds = adds_nothing;        // a residual to int8 results without padding
    bool looks_up = false;               // int8 results, no residual added, in a table: see kernels::Epilogue
    int64_t alignment = kFullAlignment;  // bytes, the least of all pointers, at most 16
    DataType x_type = DataType::int8;
    DataType y_type = DataType::int8;

    bool operator==(const ConvProblem&) const = default;

    // Whether it is a convolution in three dimensions.
    bool deep() const {
        return d != 1 || t != 1 || z != 1 || pad_front != 0 || pad_back != 0 || stride_d != 1 ||
               dilation_d != 1;
    }
    bool padded() const {
        return pad_front != 0 || pad_top != 0 || pad_left != 0 || pad_back != 0 || pad_bottom != 0 ||
               pad_right != 0;
    }
    bool dense() const { return deep() || x_stride == std::array<int64_t, 4>{h * w * c, w * c, c, 1}; }
    // From an image or volume of x to the next.
    int64_t x_step() const { return deep() ? d * h * w * c : x_stride[0]; }
    int64_t multiplications() const { return n * z * p * q * k * t * r * s * (c / group); }
    int64_t y_elements() const { return n * z * y_padding.rows(p) * y_padding.columns(q) * k; }
};

// x [m,c] * w [k,c] transposed -> y [m,k]; w and y are dense.
struct MatMulProblem {
    int64_t m = 1, k = 1, c = 1;
    int64_t x_stride = 1;  // of m, in elements
    bool clamps_above = false;
    bool zero_point_per_channel = false;  // of int8 results; they are not clamped then
    bool adds_constant = false;  // of each channel, to int8 results of one zero point: see kernels::Residual
    bool looks_up = false;  // int8 results of one zero point, the sums if a constant is added, in a table
    int64_t alignment = kFullAlignment;
    DataType x_type = DataType::int8;
    DataType y_type = DataType::int8;

    bool operator==(const MatMulProblem&) const = default;

    bool dense() const { return x_stride == c; }
    int64_t multiplications() const { return m * k * c; }
    int64_t y_elements() const { return m * k; }
};

// Y = A * B for each matrix of a batch: A [m,k], B [k,n], Y [m,n]. Strides are in elements: those of the
// batch's dimensions, outermost first, 0 where a matrix serves several matmuls, then the leading dimension.
// Rows are dense; with b_transposed the rows of b are B's columns. Rows of y end with columns that have no
// meaning.
struct BatchMatMulProblem {
    std::array<int64_t, 3> batch{1, 1, 1};
    int64_t m = 1, n = 1, k = 1;
    int64_t width = 1;  // of y's rows
    bool b_transposed = false;
    std::array<int64_t, 4> a_stride{}, b_stride{}, y_stride{};
    int64_t alignment = kFullAlignment;
    DataType x_type = DataType::int8;
    DataType y_type = DataType::int8;

    bool operator==(const BatchMatMulProblem&) const = default;

    int64_t multiplications() const { return batch[0] * batch[1] * batch[2] * m * n * k; }
    int64_t y_elements() const { return batch[0] * batch[1] * batch[2] * m * width; }
};

// The three convolutions of a residual block: x [n,h,w,c] -> [n,h,w,m] -> [n,p,q,m] -> y [n,p,q,k], with a
// filter of one pixel, one of 3 x 3 with a pixel of padding on each side, and one of one pixel again. All
// tensors are dense and int8. See plan/problem/block.h for the problems that these convolutions are.
struct BlockProblem {
    int64_t n = 1, h = 1, w = 1, c = 1, m = 1, k = 1;
    int64_t stride = 1;            // of the window
    bool depthwise = false;        // it is over each channel by itself; else over all
    bool pads_with_value = false;  // its padding stands for a zero point other than 0
    bool first_pads = false;  // that of the first one's results, which writes it where there are three plans
    bool clamps_first = false, clamps_window = false;  // upper bounds below 127, of both results between
    bool clamps_above = false;                         // that of y, before anything is added
    Addition adds = adds_nothing;                      // a residual, to rounded results or in float32
    int64_t alignment = kFullAlignment;                // as ConvProblem has it, weights and vectors included
    DataType x_type = DataType::int8;
    DataType y_type = DataType::int8;

    bool operator==(const BlockProblem&) const = default;

    int64_t p() const { return (h + stride - 1) / stride; }
    int64_t q() const { return (w + stride - 1) / stride; }
    int64_t weights() const { return m * c + 9 * m * (depthwise ? 1 : m) + k * m; }
    int64_t multiplications() const {
        return n * h * w * m * c + n * p() * q() * (9 * m * (depthwise ? 1 : m) + k * m);
    }
    int64_t y_elements() const { return n * p() * q() * k; }
};

using Problem = std::variant<ConvProblem, MatMulProblem, BatchMatMulProblem, BlockProblem>;

// Calls visit(name, value) for every field, in a fixed order: what text, parsing and hashes are made from.
// Every field of the struct has to be listed; a test changes each and looks at the hash. Of a convolution
// those of images, or those of volumes.
template <class P, class Visitor>
void visit_fields(P& p, Visitor&& visit, bool deep) {
    if constexpr (requires { p.group; }) {
        const auto visit_deep = [&](const char* name, auto& value) {
            if (deep) visit(name, value);
        };
        visit("n", p.n), visit_deep("d", p.d), visit("h", p.h), visit("w", p.w), visit("c", p.c);
        visit("k", p.k), visit_deep("t", p.t), visit("r", p.r), visit("s", p.s);
        visit_deep("z", p.z), visit("p", p.p), visit("q", p.q);
        visit_deep("pad_front", p.pad_front), visit("pad_top", p.pad_top), visit("pad_left", p.pad_left);
        visit_deep("pad_back", p.pad_back), visit("pad_bottom", p.pad_bottom);
        visit("pad_right", p.pad_right);
        visit_deep("stride_d", p.stride_d), visit("stride_h", p.stride_h), visit("stride_w", p.stride_w);
        visit_deep("dilation_d", p.dilation_d), visit("dilation_h", p.dilation_h);
        visit("dilation_w", p.dilation_w);
        visit("group", p.group);
        if (!deep) {
            visit("y_pad_top", p.y_padding.top), visit("y_pad_left", p.y_padding.left);
            visit("y_pad_bottom", p.y_padding.bottom), visit("y_pad_right", p.y_padding.right);
            visit("x_stride_n", p.x_stride[0]), visit("x_stride_h", p.x_stride[1]);
            visit("x_stride_w", p.x_stride[2]), visit("x_stride_c", p.x_stride[3]);
        }
        visit("pads_with_value", p.pads_with_value);
        visit("clamps_above", p.clamps_above);
        if (!deep) visit("adds", p.adds), visit("looks_up", p.looks_up);
    } else if constexpr (requires { p.batch; }) {
        visit("batch_0", p.batch[0]), visit("batch_1", p.batch[1]), visit("batch_2", p.batch[2]);
        visit("m", p.m), visit("n", p.n), visit("k", p.k);
        visit("width", p.width), visit("b_transposed", p.b_transposed);
        visit("a_stride_0", p.a_stride[0]), visit("a_stride_1", p.a_stride[1]);
        visit("a_stride_2", p.a_stride[2]), visit("a_stride_row", p.a_stride[3]);
        visit("b_stride_0", p.b_stride[0]), visit("b_stride_1", p.b_stride[1]);
        visit("b_stride_2", p.b_stride[2]), visit("b_stride_row", p.b_stride[3]);
        visit("y_stride_0", p.y_stride[0]), visit("y_stride_1", p.y_stride[1]);
        visit("y_stride_2", p.y_stride[2]), visit("y_stride_row", p.y_stride[3]);
    } else if constexpr (requires { p.depthwise; }) {
        visit("n", p.n), visit("h", p.h), visit("w", p.w), visit("c", p.c), visit("m", p.m);
        visit("k", p.k), visit("stride", p.stride), visit("depthwise", p.depthwise);
        visit("pads_with_value", p.pads_with_value), visit("first_pads", p.first_pads);
        visit("clamps_first", p.clamps_first), visit("clamps_window", p.clamps_window);
        visit("clamps_above", p.clamps_above), visit("adds", p.adds);
    } else {
        visit("m", p.m), visit("k", p.k), visit("c", p.c);
        visit("x_stride", p.x_stride);
        visit("clamps_above", p.clamps_above);
        visit("zero_point_per_channel", p.zero_point_per_channel);
        visit("adds_constant", p.adds_constant);
        visit("looks_up", p.looks_up);
    }
    visit("alignment", p.alignment);
    visit("x_type", p.x_type), visit("y_type", p.y_type);
}

template <class P, class Visitor>
void visit_fields(P& p, Visitor&& visit) {
    bool deep = false;
    if constexpr (requires { p.deep(); }) deep = p.deep();
    visit_fields(p, visit, deep);
}

// Whether both are the same layer, at any batch and image size.
bool same_layer(const Problem& a, const Problem& b);

// Throws std::invalid_argument, which names the field, if a number of the problem is impossible or if its
// sizes do not fit. Everything else that is computed from a problem relies on this.
QUDNN_API void check(const Problem& problem);

// The cheap part of it, for numbers that come from tensors and attributes: throws if x with its padding, w or
// y is too large to have an address, or if the amount of work overflows. run() does it before a node's first
// run of a problem.
void check_sizes(const Problem& problem);
void check_sizes(const ConvProblem& problem);
void check_sizes(const MatMulProblem& problem);
void check_sizes(const BatchMatMulProblem& problem);
void check_sizes(const BlockProblem& problem);

// Stable and complete: "conv n=64 h=56 ...". Problems are equal if and only if their texts are.
QUDNN_API std::string text(const Problem& problem);

// The inverse of text(); nothing for any other string, and for numbers that check() refuses.
QUDNN_API std::optional<Problem> parse(const std::string& text);

QUDNN_API size_t hash(const Problem& problem);

QUDNN_API int64_t multiplications(const Problem& problem);
int64_t y_bytes(const Problem& problem);

// Whether its results are those of a table.
bool looks_up(const Problem& problem);

// Whether it is a matmul that adds a constant of each channel to its results.
bool adds_constant(const Problem& problem);

// Bytes that a run reads and writes, weights left out.
int64_t bytes_of_activations(const Problem& problem);

// The largest power of two, at most 16, that divides all of the addresses.
inline int64_t alignment_of(std::initializer_list<const void*> pointers) {
    uintptr_t all = kFullAlignment;
    for (const void* pointer : pointers) all |= reinterpret_cast<uintptr_t>(pointer);
    return static_cast<int64_t>(all & ~(all - 1));
}

// The same work as a matmul, if there is one: each output reads every input element of its window once (a 1x1
// filter with stride 1, or one as large as the image), x and y have no padding, nothing is added, and there
// is one group.
QUDNN_API std::optional<MatMulProblem> as_matmul(const ConvProblem& conv);

// The matmul that the problem is, or that does the same work.
std::optional<MatMulProblem> matmul_of(const Problem& problem);

// The same work in two dimensions, if there is such a problem: the filter is one element deep and takes each
// slice of a volume by itself, or it is a line along the volume's depth.
QUDNN_API std::optional<ConvProblem> flattened(const ConvProblem& conv);

}  // namespace qudnn::plan
