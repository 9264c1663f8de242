#include "kernels/recurrent/lstm.h"
#include "kernels/recurrent/lstm_part.cuh"

namespace qudnn::kernels {
namespace {

constexpr int64_t kFewestUnits = 8;  // that are worth a block

// So that the threads of a quarter of a warp, two rows of kLstmParts times 16 bytes, use different banks.
int row_stride(int64_t padded_hidden) { return static_cast<int>((padded_hidden + 63) / 128 * 128 + 64); }

template <bool kCluster, bool kShared>
__global__ void __launch_bounds__(kLstmThreads)
    steps_kernel(const __grid_constant__ LstmLayer layer, const __grid_constant__ LstmCut cut) {
    extern __shared__ __align__(16) int8_t shared[];
    LstmPart<kCluster, kShared>(layer, cut, shared).run();
}

using Kernel = void (*)(LstmLayer, LstmCut);

Kernel kernel_of(const LstmCut& cut) {
    if (cut.blocks > 1) return cut.stride > 0 ? steps_kernel<true, true> : steps_kernel<true, false>;
    return cut.stride > 0 ? steps_kernel<false, true> : steps_kernel<false, false>;
}

// For blocks that wait for each other: as a cluster where there are several.
struct Launch {
    cudaLaunchAttribute cluster{};
    cudaLaunchConfig_t config{};

    Launch(const LstmLayer& layer, const LstmCut& cut, cudaStream_t stream) {
        cluster.id = cudaLaunchAttributeClusterDimension;
        cluster.val.clusterDim.x = static_cast<unsigned>(cut.blocks);
        cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
        config.gridDim = static_cast<unsigned>(layer.directions * cut.blocks);
        config.blockDim = kLstmThreads;
        config.dynamicSmemBytes = static_cast<size_t>(LstmPlaces(layer.padded_hidden, cut).bytes);
        config.stream = stream;
        config.attrs = &cluster;
        config.numAttrs = cut.blocks > 1 ? 1 : 0;
    }
    Launch(const Launch&) = delete;
};

// With as much in shared memory as fits there.
LstmCut cut_in(int blocks, const LstmLayer& layer, int64_t room) {
    LstmCut cut{blocks, static_cast<int>(ceil_div(layer.hidden, blocks)), row_stride(layer.padded_hidden),
                false};
    if (LstmPlaces(layer.padded_hidden, cut).bytes > room) cut.stride = 0;
    if (LstmPlaces(layer.padded_hidden, cut).bytes > room) cut.spills = true;
    return cut;
}

// Whether the GPU can run such a cluster.
bool runs(const LstmLayer& layer, const LstmCut& cut) {
    int clusters = 0;
    const Launch launch(layer, cut, nullptr);
    if (cudaOccupancyMaxActiveClusters(&clusters, kernel_of(cut), &launch.config) == cudaSuccess)
        return clusters > 0;
    cudaGetLastError();
    return false;
}

}  // namespace

cudaError_t lstm_steps(const LstmLayer& layer, cudaStream_t stream) {
    if (layer.hidden > kMostLstmStates) return cudaErrorInvalidValue;
    const Gpu& gpu = current_gpu();
    const int64_t room = gpu.shared_bytes - kStaticBytes;
    for (int blocks = gpu.major >= 9 ? kMostLstmBlocks : 1; blocks > 0; blocks /= 2) {
        if (blocks > 1 && blocks * kFewestUnits > layer.hidden) continue;
        const LstmCut cut = cut_in(blocks, layer, room);
        const Kernel kernel = kernel_of(cut);
        const cudaError_t status = allow_shared_memory(kernel, static_cast<int>(room));
        if (status != cudaSuccess) return status;
        if (blocks > 1 && !runs(layer, cut)) continue;
        const Launch launch(layer, cut, stream);
        return cudaLaunchKernelEx(&launch.config, kernel, layer, cut);
    }
    return cudaErrorInvalidConfiguration;
}

}  // namespace qudnn::kernels
