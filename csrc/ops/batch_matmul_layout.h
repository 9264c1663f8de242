// How two computed tensors meet in a matmul: the shapes and strides of QBatchMatMul.
#pragma once

#include <string>
#include <vector>

#include "export.h"
#include "ort/inference_context.h"
#include "ort/tensor.h"
#include "plan/problem.h"

namespace qudnn::ops {

// What of a tensor is read, from `starts` to `ends`, and how its axes are ordered then.
struct OperandSlice {
    std::vector<int64_t> starts, ends, perm;

    // All of a tensor of so many dimensions, as it lies.
    static OperandSlice whole(size_t rank);
    // Reads `name`_starts, `name`_ends and `name`_perm. Throws where the last is no permutation, or a bound
    // is negative.
    static OperandSlice read(const std::string& name, const ort::Attributes& attributes);
};

// A matmul of parts of a and b.
struct PlacedMatMul {
    plan::BatchMatMulProblem problem;    // without its alignment
    int64_t a_offset = 0, b_offset = 0;  // of the parts in their tensors, in elements
    ort::Shape y;
};

// The attributes that say so; see the ops' functions.
struct BatchMatMulLayout {
    OperandSlice a, b;
    std::vector<int64_t> y_perm;
    int64_t padding = 0;  // columns that y has besides

    BatchMatMulLayout() = default;
    // Throws where a permutation moves what it has to keep.
    BatchMatMulLayout(OperandSlice of_a, OperandSlice of_b, std::vector<int64_t> perm_of_y);
    // Reads all but padding, and this from pads if `padded`.
    explicit BatchMatMulLayout(const ort::Attributes& attributes, bool padded);

    // Sets padding from the attribute pads. Throws where that is not at the end of rows.
    void read_padding(const ort::Attributes& attributes);

    // The matmul of tensors of these shapes. Throws where they do not fit each other or the permutations, or
    // leave more dimensions of the batch than a problem has once those were joined that can be; if `joined`
    // is false, none are, and m is the number of A's rows.
    QUDNN_API PlacedMatMul place(const ort::Shape& a_shape, const ort::Shape& b_shape,
                                 bool joined = true) const;

    // What is known of y's dimensions; nothing where the rank of a or b is not known.
    std::vector<ort::Dim> infer(const std::vector<ort::Dim>& a_dims,
                                const std::vector<ort::Dim>& b_dims) const;
};

}  // namespace qudnn::ops
