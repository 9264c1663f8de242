// Matmuls that are bound by memory rather than by arithmetic, on tensor cores: 1x1 convolutions.
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
// p' = h = 1, q' = w = m. Around the images of y lies y_padding, of the epilogue's zero point.
struct PointwiseGeometry {
    int64_t n, h, w, c;
    int64_t k;
    int64_t p, q;
    int64_t stride_h, stride_w;
    OutputPadding y_padding = {};

    int64_t m() const { return n * p * q; }
    bool strided() const { return stride_h != 1 || stride_w != 1; }
};

// How the work is cut: a block holds the weights of `columns` output channels in shared memory and goes over
// tiles of `rows` output pixels.
struct PointwiseVariant {
    int kernel;  // its number in the table of kernels
    int rows;
    int columns;
    int blocks;  // as many as the GPU runs at once, or as have work
};

// Why the kernel does not take it on the current GPU; empty where it does: c and k are multiples of 16.
std::string pointwise_refusal(const PointwiseGeometry& g);

// The ways to run it on the current GPU, what is expected to be fastest first, no two with the same rows and
// columns; prepares the GPU for them. None where it is refused, or where shared memory does not hold enough
// rows.
std::vector<PointwiseVariant> pointwise_variants(const PointwiseGeometry& g);

// All pointers are multiples of 16. The variant is one of pointwise_variants(), asked on the same GPU.
cudaError_t pointwise(const PointwiseGeometry& g, const PointwiseVariant& variant, const int8_t* x,
                      const int8_t* w, const Epilogue& epilogue, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
