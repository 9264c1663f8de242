#include "kernels/gemm/mma_matmul_kernels.cuh"

namespace qudnn::kernels {

template std::vector<MmaMatMulVariant> mma_matmul_variants<float>(const BatchMatMulGeometry&, bool);
template cudaError_t mma_matmul(const BatchMatMulGeometry&, const MmaMatMulVariant&, const int8_t*,
                                const int8_t*, const BatchMatMulEpilogue&, float*, cudaStream_t);

}  // namespace qudnn::kernels
