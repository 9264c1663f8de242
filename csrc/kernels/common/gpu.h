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

}  // namespace qudnn::kernels
