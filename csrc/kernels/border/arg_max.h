// The place of the greatest or least of some channels.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace qudnn::kernels {

constexpr int64_t kMostPlaces = 1 << 24;  // channels

// Rows of x, of whose elements the first `channels` count; of equal ones the first place, or the last.
struct ArgMax {
    int64_t rows, channels, stride;
    bool least, last;
};

cudaError_t arg_max(const ArgMax& g, const int8_t* x, int64_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
