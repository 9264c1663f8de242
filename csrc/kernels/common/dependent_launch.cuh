// Kernels that start while the one before them in the stream still runs, on GPUs that can (compute capability
// 9.0): their launches and their first steps overlap with its end.
//
// Such a kernel takes no tensor that another kernel writes as `const __restrict__`: such loads may move
// before the wait, or come from a cache that is older than it. What it reads before the wait (weights,
// biases, tables) is constant, or made by kernels that do not let the next one start early.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <climits>
#include <cstdint>

namespace qudnn::kernels {

// Waits for the kernels before; such a kernel calls it before it first accesses memory that others write. All
// threads call it, because the kernels that follow wait for this one alone.
__device__ inline void wait_for_kernels_before() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" : : : "memory");
#endif
}

// Lets the next kernel start, once all blocks have called it and as soon as there is room.
__device__ inline void let_next_kernel_start() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" : : : "memory");
#endif
}

// Both, of a kernel with nothing to do before that.
__device__ inline void follow_kernels_before() {
    let_next_kernel_start();
    wait_for_kernels_before();
}

// Launches a kernel that calls wait_for_kernels_before(), in clusters of `cluster` blocks if that is not 1.
template <typename... Parameters, typename... Arguments>
cudaError_t launch_dependent_clusters(void (*kernel)(Parameters...), unsigned cluster, unsigned blocks,
                                      dim3 threads, size_t shared_bytes, cudaStream_t stream,
                                      const Arguments&... arguments) {
    cudaLaunchAttribute attributes[2]{};
    attributes[0].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[0].val.programmaticStreamSerializationAllowed = 1;
    attributes[1].id = cudaLaunchAttributeClusterDimension;
    attributes[1].val.clusterDim = {cluster, 1, 1};
    cudaLaunchConfig_t config{};
    config.gridDim = blocks, config.blockDim = threads;
    config.dynamicSmemBytes = shared_bytes, config.stream = stream;
    config.attrs = attributes, config.numAttrs = cluster > 1 ? 2 : 1;
    // As cudaLaunchKernelEx() does, which copies its arguments: some are a kilobyte.
    const auto launch = [&](const Parameters&... exact) {
        void* addresses[] = {const_cast<void*>(static_cast<const void*>(&exact))...};
        return cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(kernel), addresses);
    };
    return launch(arguments...);
}

// `blocks` may exceed the grid's limit: kernels loop over their work with a stride of gridDim.x.
template <typename... Parameters, typename... Arguments>
cudaError_t launch_dependent(void (*kernel)(Parameters...), int64_t blocks, dim3 threads, size_t shared_bytes,
                             cudaStream_t stream, const Arguments&... arguments) {
    const auto grid = static_cast<unsigned>(std::min<int64_t>(blocks, INT_MAX));
    return launch_dependent_clusters(kernel, 1, grid, threads, shared_bytes, stream, arguments...);
}

}  // namespace qudnn::kernels
