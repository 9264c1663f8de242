// How many steps sequences have.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

namespace qudnn::kernels {

__device__ inline int64_t lstm_length(const int32_t* lengths, int64_t steps, int64_t sequence) {
    if (lengths == nullptr) return steps;
    return min(steps, max(int64_t{0}, int64_t{lengths[sequence]}));
}

// Of the longest sequence, to each thread of the block. The block has to synchronize between two calls.
__device__ inline int64_t longest_length(const int32_t* lengths, int64_t steps, int64_t batch) {
    if (lengths == nullptr) return steps;
    __shared__ int longest;
    if (threadIdx.x == 0) longest = 0;
    __syncthreads();
    for (int64_t i = threadIdx.x; i < batch; i += blockDim.x)
        atomicMax(&longest, static_cast<int>(lstm_length(lengths, steps, i)));
    __syncthreads();
    return longest;
}

}  // namespace qudnn::kernels
