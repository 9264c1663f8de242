// The properties of the current GPU, asked for once in a thread for as long as it stays the same.
#pragma once

#include "kernels/common/gpu.h"

namespace qudnn::kernels {

// As Gpu(), for what is asked at every launch.
inline const Gpu& current_gpu() {
    thread_local int known = -1;
    thread_local Gpu gpu;
    int device = -1;
    if (cudaGetDevice(&device) != cudaSuccess || device != known) gpu = Gpu(), known = device;
    return gpu;
}

}  // namespace qudnn::kernels
