// What launches need to know of the current GPU.
#pragma once

#include <cuda_runtime_api.h>

namespace qudnn::kernels {

// The least possible values if there is no GPU.
struct Gpu {
    int multiprocessors = 1, major = 0;  // major: of the compute capability
    int shared_bytes = 0;                // the most that a block may have
    int cooperative = 0;                 // whether the blocks of a grid may wait for each other

    Gpu() {
        int device = 0;
        if (cudaGetDevice(&device) != cudaSuccess) return;
        cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device);
        cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
        cudaDeviceGetAttribute(&shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
        cudaDeviceGetAttribute(&cooperative, cudaDevAttrCooperativeLaunch, device);
    }
};

// The same, asked for once in a thread for as long as its GPU stays the same.
inline const Gpu& current_gpu() {
    thread_local int known = -1;
    thread_local Gpu gpu;
    int device = -1;
    if (cudaGetDevice(&device) != cudaSuccess || device != known) gpu = Gpu(), known = device;
    return gpu;
}

}  // namespace qudnn::kernels
