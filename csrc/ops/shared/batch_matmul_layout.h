// From the shapes of two computed tensors to the strides of their matmul: the attributes of QBatchMatMul.
#pragma once

#include <string>
#include <vector>

#include "export.h"
#include "ort/inference_context.h"
#include "ort/tensor.h"
#include "plan/problem/problem.h"

namespace qudnn::ops {

// An operand of a matmul as a slice of a tensor, from `starts` to `ends`, whose axes `perm` then transposes.
struct OperandSlice {
    std::vector<int64_t> starts, ends, perm;

    // A whole tensor of this rank, not transposed.
    static OperandSlice whole(size_t rank);
    // Reads `name`_starts, `name`_ends and `name`_perm. Throws if the last is no permutation, or if a bound
    // is negative.
    static OperandSlice read(const std::string& name, const ort::Attributes& attributes);
};

// The matmul of the slices of a and b.
struct PlacedMatMul {
    plan::BatchMatMulProblem problem;    // without its alignment
    int64_t a_offset = 0, b_offset = 0;  // of the slices in their tensors, in elements
    ort::Shape y;
};

// The attributes; see the ops' function bodies.
struct BatchMatMulLayout {
    OperandSlice a, b;
    std::vector<int64_t> y_perm;
    int64_t padding = 0;  // columns that are appended to y

    BatchMatMulLayout() = default;
    // Throws if a permutation moves an axis that has to stay.
    BatchMatMulLayout(OperandSlice of_a, OperandSlice of_b, std::vector<int64_t> perm_of_y);
    // Reads all but padding; with `padded`, also padding, from the attribute pads.
    explicit BatchMatMulLayout(const ort::Attributes& attributes, bool padded);

    // Sets padding from the attribute pads. Throws if that pads anything but the end of rows.
    void read_padding(const ort::Attributes& attributes);

    // The matmul of tensors of these shapes. Throws if they do not fit each other or the permutations, or if
    // more dimensions of the batch are left than a problem has. With `joined`, neighbouring dimensions are
    // merged where possible; without it none are, and m is the number of A's rows.
    QUDNN_API PlacedMatMul place(const ort::Shape& a_shape, const ort::Shape& b_shape,
                                 bool joined = true) const;

    // What is known of y's dimensions; empty if the rank of a or b is unknown.
    std::vector<ort::Dim> infer(const std::vector<ort::Dim>& a_dims,
                                const std::vector<ort::Dim>& b_dims) const;
};

}  // namespace qudnn::ops
