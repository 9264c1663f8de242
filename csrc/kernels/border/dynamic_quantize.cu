#include "kernels/border/dynamic_quantize.h"

#include "kernels/border/dynamic_crossing.cuh"
#include "kernels/border/dynamic_dense.cuh"

namespace qudnn::kernels {
namespace {

template <typename Values>
cudaError_t enter(const BorderGeometry& geometry, int64_t count, const Values& values, const float* x,
                  int8_t* y, const DynamicEpilogue& to, cudaStream_t stream) {
    if (geometry.rank < 1 || geometry.rank > kMaxBorderRank) return cudaErrorInvalidValue;
    const Gpu& gpu = current_gpu();
    DenseEntry entry;
    if (gpu.cooperative && count > 0 && aligned(x, sizeof(float4)) && aligned(y, 4) &&
        dense_entry(simplified(geometry), entry))
        return launch_dense(entry, gpu, values, x, y, to, stream);
    return cross_dynamically(geometry, count, values, x, y, to, stream);
}

}  // namespace

cudaError_t dynamic_quantize_to_island(const BorderGeometry& g, int64_t count, const float* x, int8_t* y,
                                       const DynamicEpilogue& to, cudaStream_t stream) {
    return enter(g, count, Identity{}, x, y, to, stream);
}

cudaError_t dynamic_gelu_to_island(const BorderGeometry& g, int64_t count, float factor, const float* x,
                                   int8_t* y, const DynamicEpilogue& to, cudaStream_t stream) {
    return enter(g, count, Gelu{factor}, x, y, to, stream);
}

}  // namespace qudnn::kernels
