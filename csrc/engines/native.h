// What native engines share.
#pragma once

#include <cuda_runtime_api.h>

#include <stdexcept>

namespace qudnn::engines {

inline void check_launch(cudaError_t error) {
    if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

}  // namespace qudnn::engines
