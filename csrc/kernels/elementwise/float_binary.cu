#include "kernels/elementwise/float_binary.h"

#include "kernels/elementwise/float_binary.cuh"

namespace qudnn::kernels {

cudaError_t float_add(const Broadcast<2>& g, const BinaryScales& scales, Limits limits, const int8_t* a,
                      const int8_t* b, int8_t* y, cudaStream_t stream) {
    return elementwise(g, FloatBinary<FloatSum>(scales, limits), {{a, b}}, y, stream);
}

cudaError_t float_mul(const Broadcast<2>& g, const BinaryScales& scales, Limits limits, const int8_t* a,
                      const int8_t* b, int8_t* y, cudaStream_t stream) {
    return elementwise(g, FloatBinary<FloatMul>(scales, limits), {{a, b}}, y, stream);
}

}  // namespace qudnn::kernels
