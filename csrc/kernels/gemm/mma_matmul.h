// Products of int8 matrices on the tensor cores: of computed ones, attention's and large ones, and with
// weights.
#pragma once

#include <string>
#include <vector>

#include "kernels/common/refusal.h"
#include "kernels/gemm/batch_matmul.h"

namespace qudnn::kernels {

// How the work is cut: a block computes a tile of rows x columns of one product.
struct MmaMatMulVariant {
    int kernel;  // its number in the table of kernels
    int rows, columns;
};

// Why the kernels do not take it on the current GPU; empty where they do.
inline std::string mma_matmul_refusal(const BatchMatMulGeometry& g) {
    // Numbers of rows are 32 bits wide, and those past a tile still are.
    constexpr int64_t kMostExtent = 1 << 30;
    for (const int64_t extent : {g.batch[0], g.batch[1], g.batch[2], g.m, g.n, g.k, g.width})
        if (extent > kMostExtent) return "an extent beyond 2^30";
    return gpu_refusal(8);
}

// The ways to compute products with results of type Y (int8_t, float or int32_t) on the current GPU, what is
// expected to be fastest first, no two with the same rows and columns; prepares the GPU for them. None where
// they are refused, where the number of tiles does not fit 31 bits or shared memory has no room for one.
// pointers_aligned: all are multiples of 16. Fast where the strides of a and b are so, too.
template <class Y>
std::vector<MmaMatMulVariant> mma_matmul_variants(const BatchMatMulGeometry& g, bool pointers_aligned);

// As batch_matmul(); a b_zero_point of null counts as 0. The variant is one of mma_matmul_variants(), asked
// on the same GPU.
template <class Y>
cudaError_t mma_matmul(const BatchMatMulGeometry& g, const MmaMatMulVariant& variant, const int8_t* a,
                       const int8_t* b, const BatchMatMulEpilogue& epilogue, Y* y, cudaStream_t stream);

}  // namespace qudnn::kernels
