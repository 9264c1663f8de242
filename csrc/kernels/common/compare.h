// Comparison of results, byte by byte: how plans are checked before they are trusted.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace qudnn::kernels {

// y = ~x for every byte, so that a kernel that should write x into y and leaves a byte out is detected.
cudaError_t invert(int64_t bytes, const int8_t* x, int8_t* y, cudaStream_t stream);

// Adds to *count, on the GPU, the number of bytes in which a and b differ.
cudaError_t count_differences(int64_t bytes, const int8_t* a, const int8_t* b, unsigned long long* count,
                              cudaStream_t stream);

}  // namespace qudnn::kernels
