// int8 matmul on the tensor cores: of two computed tensors, small as attention's or large, and with weights.
#pragma once

#include <string>
#include <vector>

#include "kernels/common/refusal.h"
#include "kernels/gemm/batch_matmul.h"

namespace qudnn::kernels {

// How the work is cut: a block computes a tile of rows x columns of one matmul.
struct MmaMatMulVariant {
    int kernel;  // its number in the table of kernels
    int rows, columns;
};

// Why the kernels do not take the matmul on the current GPU; empty if they do.
inline std::string mma_matmul_refusal(const BatchMatMulGeometry& g) {
    // Row indices are 32 bits wide, also those past the last tile.
    constexpr int64_t kMostExtent = 1 << 30;
    for (const int64_t extent : {g.batch[0], g.batch[1], g.batch[2], g.m, g.n, g.k, g.width})
        if (extent > kMostExtent) return "an extent beyond 2^30";
    return gpu_refusal(8);
}

// The variants for results of type Y (int8_t, float or int32_t) on the current GPU, the one expected to be
// fastest first, no two with the same tile; prepares the GPU for them. Empty if the matmul is refused, the
// number of tiles does not fit 31 bits, or a tile does not fit shared memory. pointers_aligned: all pointers
// are multiples of 16. Fast if the strides of a and b are multiples of 16, too.
template <class Y>
std::vector<MmaMatMulVariant> mma_matmul_variants(const BatchMatMulGeometry& g, bool pointers_aligned);

// As batch_matmul(); a null b_zero_point counts as 0. The variant comes from mma_matmul_variants() on the
// same GPU.
template <class Y>
cudaError_t mma_matmul(const BatchMatMulGeometry& g, const MmaMatMulVariant& variant, const int8_t* a,
                       const int8_t* b, const BatchMatMulEpilogue& epilogue, Y* y, cudaStream_t stream);

}  // namespace qudnn::kernels
