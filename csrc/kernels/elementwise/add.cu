#include "kernels/elementwise/add.h"

#include "kernels/elementwise/add.cuh"

namespace qudnn::kernels {

cudaError_t add(const Broadcast<2>& g, const BinaryScales& scales, const int8_t* a, const int8_t* b,
                int8_t* y, cudaStream_t stream) {
    return elementwise(g, Binary<Add>(scales), {{a, b}}, y, stream);
}

bool sums_are_moderate(const BinaryScales& scales) { return Add(scales).bound() < 2097152.0; }

cudaError_t add_residual(int64_t count, int64_t k, const Residual& residual, int8_t* y, cudaStream_t stream) {
    if (count == 0) return cudaSuccess;
    auto g = Broadcast<2>::none(count);
    if (residual.per_channel && count != k) {
        g = {2, {count / k, k}, {{k, 1}, {k, 1}}};
        g.stride[residual.y_first ? 1 : 0][0] = 0;
    }
    // A thread reads an element before it writes the same one.
    return residual.y_first ? add(g, residual.scales, y, residual.r, y, stream)
                            : add(g, residual.scales, residual.r, y, y, stream);
}

}  // namespace qudnn::kernels
