// What launches need to know of the current GPU.
#pragma once

#include <cuda_runtime_api.h>

namespace qudnn::kernels {

// As little as possible where there is none.
struct Gpu {
    int multiprocessors = 1, major = 0;  // major: of the compute capability
    int shared_bytes = 0;                // that a block may have
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
