// int8 matmul bound by memory rather than arithmetic, on the tensor cores: 1x1 convolutions.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/common/output_padding.h"
#include "kernels/epilogue/epilogue.h"

namespace qudnn::kernels {

// y [m,k] = epilogue(rows of x * w^T), w [k,c]; all dense int8. Output pixel (n, p, q) is row
// (n * p' + p) * q' + q of y, p' x q' being an image's size, and reads the row of x that is input pixel
// (n, p * stride_h, q * stride_w) of images of h x w. Plain matmuls have stride 1 and one image:
// p' = h = 1, q' = w = m. Around the images of y lies y_padding, of the epilogue's padding().
struct PointwiseGeometry {
    int64_t n, h, w, c;
    int64_t k;
    int64_t p, q;
    int64_t stride_h, stride_w;
    OutputPadding y_padding = {};
    bool looks_up = false;  // the epilogue has a table

    int64_t m() const { return n * p * q; }
    bool strided() const { return stride_h != 1 || stride_w != 1; }
};

// The partition of the work: a block holds the weights of `columns` output channels in shared memory and
// loops over tiles of `rows` output pixels.
struct PointwiseVariant {
    int kernel;  // its number in the table of kernels
    int rows;
    int columns;
    int blocks;  // as many as the GPU runs at once, at most one per tile
};

// Why the kernel does not take it on the current GPU; empty if it does: c and k must be multiples of 16.
std::string pointwise_refusal(const PointwiseGeometry& g);

// The variants on the current GPU, the one expected to be fastest first, no two with the same tile; prepares
// the GPU for them. Empty if it is refused, or if shared memory does not hold enough rows.
std::vector<PointwiseVariant> pointwise_variants(const PointwiseGeometry& g);

// All pointers are multiples of 16. The variant comes from pointwise_variants() on the same GPU.
cudaError_t pointwise(const PointwiseGeometry& g, const PointwiseVariant& variant, const int8_t* x,
                      const int8_t* w, const Epilogue& epilogue, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
