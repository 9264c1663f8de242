#include "ops/usable_device.h"

#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstdlib>

namespace qudnn::ops {

namespace {

constexpr int kOldestGeneration = 75;  // compute capability 7.5

std::string look() {
    int count = 0;
    if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
        cudaGetLastError();
        return cudaGetErrorString(error);
    }
    for (int device = 0; device < count; ++device) {
        int major = 0, minor = 0;
        cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
        cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
        if (major * 10 + minor >= kOldestGeneration) return {};
    }
    return count == 0 ? "no GPU" : "no GPU of compute capability 7.5 or newer";
}

}  // namespace

const std::string& no_usable_device() {
    static const std::string reason = [] {
        std::string found = look();
        if (!found.empty() && std::getenv("QUDNN_VERBOSE") != nullptr) {
            std::fprintf(stderr, "qudnn: no ops registered, models run on their functions: %s\n",
                         found.c_str());
        }
        return found;
    }();
    return reason;
}

}  // namespace qudnn::ops
