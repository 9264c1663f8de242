// mma of int8 values on the tensor cores of GPUs since Turing (compute capability 7.5).
#pragma once

#include <cstdint>

namespace qudnn::kernels {

// d += a * b by a warp: 8 rows of 16 bytes times 8 columns of 16 bytes, int32 results, wrapping. With lane =
// 4 * g + t, each 4 bytes of the summed dimension in a word:
//   a  word t of row g
//   b  word t of column g
//   d  columns 2 * t and 2 * t + 1 of row g
__device__ inline void multiply_add(int32_t (&d)[2], uint32_t a, uint32_t b) {
#if __CUDA_ARCH__ >= 750
    asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};"
        : "+r"(d[0]), "+r"(d[1])
        : "r"(a), "r"(b));
#endif
}

}  // namespace qudnn::kernels
