// Grids whose blocks wait for each other: all of them run at once.
#pragma once

#include <cooperative_groups.h>

#include "kernels/common/common.cuh"
#include "kernels/common/gpu.h"
#include "kernels/common/launch_limits.h"

namespace qudnn::kernels {

__device__ inline void wait_for_grid() { cooperative_groups::this_grid().sync(); }

// At most `blocks` blocks, as many of them as the GPU can run at once. shared_bytes: of dynamic shared
// memory, beside which the kernel has up to kStaticBytes.
constexpr int kStaticBytes = 1024;

template <typename... Parameters, typename... Arguments>
cudaError_t launch_cooperative(const Gpu& gpu, void (*kernel)(Parameters...), int64_t blocks, int threads,
                               size_t shared_bytes, cudaStream_t stream, const Arguments&... arguments) {
    cudaError_t status = allow_shared_memory(kernel, gpu.shared_bytes - kStaticBytes);
    int resident = 0;
    if (status == cudaSuccess) status = find_resident_blocks(kernel, threads, shared_bytes, resident);
    if (status != cudaSuccess) return status;
    if (resident == 0) return cudaErrorInvalidConfiguration;
    const auto grid =
        static_cast<unsigned>(std::min<int64_t>(blocks, int64_t{resident} * gpu.multiprocessors));
    cudaLaunchAttribute cooperative{};
    cooperative.id = cudaLaunchAttributeCooperative;
    cooperative.val.cooperative = 1;
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = static_cast<unsigned>(threads);
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    config.attrs = &cooperative;
    config.numAttrs = 1;
    return cudaLaunchKernelEx(&config, kernel, arguments...);
}

}  // namespace qudnn::kernels
