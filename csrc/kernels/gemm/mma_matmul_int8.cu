#include "kernels/gemm/mma_matmul_kernels.cuh"

namespace qudnn::kernels {

template std::vector<MmaMatMulVariant> mma_matmul_variants<int8_t>(const BatchMatMulGeometry&, bool);
template cudaError_t mma_matmul(const BatchMatMulGeometry&, const MmaMatMulVariant&, const int8_t*,
                                const int8_t*, const BatchMatMulEpilogue&, int8_t*, cudaStream_t);

}  // namespace qudnn::kernels
