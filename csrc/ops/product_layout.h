// How two computed tensors meet in a matrix product: the shapes and strides behind QBatchMatMul.
#pragma once

#include <utility>
#include <vector>

#include "export.h"
#include "ort/inference_context.h"
#include "ort/tensor.h"
#include "plan/problem.h"

namespace qudnn::ops {

// The attributes that say so; see the ops' functions. Beyond depth and columns lies padding.
struct ProductLayout {
    std::vector<int64_t> a_perm, b_perm, y_perm;
    int64_t depth, columns;
    int64_t padding = 0;  // columns that y has besides

    ProductLayout() = default;
    // Throws where a permutation moves what it has to keep, or padding is not at the end of rows.
    explicit ProductLayout(const ort::Attributes& attributes, bool padded);

    // The product of a and b of these shapes, without its alignment, and y's shape. Throws where they do not
    // fit each other or the permutations, or leave more dimensions of the batch than a problem has once
    // those were joined that can be.
    QUDNN_API std::pair<plan::BatchMatMulProblem, ort::Shape> problem(const ort::Shape& a,
                                                                      const ort::Shape& b) const;

    // What is known of y's dimensions; nothing where the rank of a or b is not known.
    std::vector<ort::Dim> infer(const std::vector<ort::Dim>& a, const std::vector<ort::Dim>& b) const;
};

}  // namespace qudnn::ops
