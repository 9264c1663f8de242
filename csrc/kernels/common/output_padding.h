// Padding that a kernel writes around the images of its results, for the convolution that reads them.
#pragma once

#include <cstdint>

namespace qudnn::kernels {

// In pixels, none negative: images of p x q lie in a tensor [n, top + p + bottom, left + q + right, k].
struct OutputPadding {
    int64_t top = 0, left = 0, bottom = 0, right = 0;

    bool operator==(const OutputPadding&) const = default;

    bool any() const { return top != 0 || left != 0 || bottom != 0 || right != 0; }
    int64_t rows(int64_t p) const { return top + p + bottom; }
    int64_t columns(int64_t q) const { return left + q + right; }
};

}  // namespace qudnn::kernels
