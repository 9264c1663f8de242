#include "kernels/conv/depthwise_kernels.h"

namespace qudnn::kernels {
namespace {

template <int kStride, int kGroup, int kBlocks>
constexpr TilesKernel entry() {
    return {3, kStride, kGroup, kBlocks, depthwise_tiles_kernel<3, kStride, kGroup, kBlocks>};
}

constexpr TilesKernel kKernels[] = {entry<1, 16, 4>(), entry<2, 16, 4>(), entry<1, 32, 3>(),
                                    entry<2, 32, 3>()};

}  // namespace

std::span<const TilesKernel> grouped_tiles_kernels() { return kKernels; }

}  // namespace qudnn::kernels
