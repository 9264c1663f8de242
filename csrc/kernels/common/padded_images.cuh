// Images with padding around them: the places of the pixels of both.
#pragma once

#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"
#include "kernels/common/output_padding.h"

namespace qudnn::kernels {

// n images of p x q pixels in a tensor [n, top + p + bottom, left + q + right, k]; Index holds the number of
// any of its vectors.
template <typename Index>
struct PaddedImages {
    Divisor<Index> p, q;
    int64_t line, image;           // pixels from a row, an image, to the next
    int64_t origin;                // of the first image's first pixel
    Index above, outside;          // pixels of the padding above an image; above and below it
    Index left, right;             // beside each of its rows
    Divisor<Index> around, aside;  // all of an image's padding; left + right
    Index count;                   // pixels of padding

    PaddedImages(int64_t n, int64_t p, int64_t q, const OutputPadding& padding)
        : p(p),
          q(q),
          line(padding.columns(q)),
          image(padding.rows(p) * line),
          origin(padding.top * line + padding.left),
          above(static_cast<Index>(padding.top * line)),
          outside(static_cast<Index>((padding.top + padding.bottom) * line)),
          left(static_cast<Index>(padding.left)),
          right(static_cast<Index>(padding.right)),
          around(std::max<int64_t>(image - p * q, 1)),
          aside(std::max<int64_t>(padding.left + padding.right, 1)),
          count(static_cast<Index>(n * (image - p * q))) {}

    // The place of a pixel of the images, numbered without padding.
    __device__ int64_t place(Index pixel) const {
        const Index column = split(pixel, q), row = split(pixel, p);
        return origin + static_cast<int64_t>(pixel) * image + row * line + column;
    }

    // The place of a pixel of the padding, by its number below count.
    __device__ int64_t padding_place(Index pixel) const {
        Index i = split(pixel, around);  // first those above and below the image, then those beside it
        const int64_t first = static_cast<int64_t>(pixel) * image;
        if (i < outside) return first + i + (i < above ? 0 : static_cast<int64_t>(p.value) * line);
        i -= outside;
        const Index column = split(i, aside);
        return first + above + i * line + column + (column < left ? 0 : q.value);
    }
};

// Writes the padding with the first `threads` threads of all blocks. vectors: of a pixel.
template <typename V, typename Index>
__device__ inline void write_padding(const PaddedImages<Index>& g, int64_t vectors, int value, V* y,
                                     int threads) {
    const V vector = splat_vector<V>(value);
    const Index step = static_cast<Index>(gridDim.x) * threads;
    for (Index i = static_cast<Index>(blockIdx.x) * threads + threadIdx.x;
         i < g.count * static_cast<Index>(vectors); i += step) {
        const Index pixel = i / static_cast<Index>(vectors);
        y[g.padding_place(pixel) * vectors + (i - pixel * static_cast<Index>(vectors))] = vector;
    }
}

// With all threads of the grid.
template <typename V, typename Index>
__device__ inline void write_padding(const PaddedImages<Index>& g, int64_t vectors, int value, V* y) {
    write_padding(g, vectors, value, y, static_cast<int>(blockDim.x));
}

}  // namespace qudnn::kernels
