// Products of int8 matrices on the tensor cores: of computed ones, attention's and large ones, and with
// weights.
#pragma once

#include <vector>

#include "kernels/gemm/batch_matmul.h"

namespace qudnn::kernels {

// How the work is cut: a block computes a tile of rows x columns of one product.
struct MmaMatMulVariant {
    int kernel;  // its number in the table of kernels
    int rows, columns;
};

// The ways to compute products with results of type Y (int8_t, float or int32_t) on the current GPU, what is
// expected to be fastest first, no two with the same rows and columns; prepares the GPU for them. None below
// compute capability 8.0, or where an extent or the number of tiles does not fit 31 bits. pointers_aligned:
// all are multiples of 16. Fast where the strides of a and b are so, too.
template <class Y>
std::vector<MmaMatMulVariant> mma_matmul_variants(const BatchMatMulGeometry& g, bool pointers_aligned);

// As batch_matmul(); a b_zero_point of null counts as 0. The variant is one of mma_matmul_variants(), asked
// on the same GPU.
template <class Y>
cudaError_t mma_matmul(const BatchMatMulGeometry& g, const MmaMatMulVariant& variant, const int8_t* a,
                       const int8_t* b, const BatchMatMulEpilogue& epilogue, Y* y, cudaStream_t stream);

}  // namespace qudnn::kernels
