// As kernels.h: results within padding, of cases that know the results without it.
#pragma once

#include "kernels/common/output_padding.h"

namespace {

// y [n,p,q,k] within padding.
struct PaddedResults {
    int64_t n, p, q, k;
    qudnn::kernels::OutputPadding padding;
    int zero_point;

    int64_t count() const { return n * padding.rows(p) * padding.columns(q) * k; }

    // What has to lie at index i, given what lies at the indices of y without padding.
    template <class Expected>
    int8_t expected(int64_t i, const Expected& dense) const {
        const int64_t pixel = i / k, line = padding.columns(q), rows = padding.rows(p);
        const int64_t column = pixel % line - padding.left, row = pixel / line % rows - padding.top;
        if (row < 0 || row >= p || column < 0 || column >= q) return static_cast<int8_t>(zero_point);
        return static_cast<int8_t>(dense(((pixel / line / rows * p + row) * q + column) * k + i % k));
    }
};

}  // namespace
