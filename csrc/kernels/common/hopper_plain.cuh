// For kernels that write their operands themselves, on Hopper GPUs: matrices in shared memory that are not
// swizzled, registers that warpgroups hand to each other, and what goes with them. See hopper.cuh.
#pragma once

#include "kernels/common/hopper_stores.cuh"

namespace qudnn::kernels {

// Eight rows of 16 bytes lie one after another; `down` bytes on lie the next eight rows, and `across` bytes
// on the next 16 bytes of the same ones.
__device__ inline uint64_t plain_matrix_at(uint32_t shared, int down, int across) {
    return static_cast<uint64_t>(down / 16) << 32 | static_cast<uint64_t>(across / 16) << 16 |
           (shared & 0x3FFFF) >> 4;
}

// d += a * b as multiply_add() of hopper.cuh has it, with 112 columns. Without kAccumulates what was in d
// does not count.
template <bool kAccumulates>
__device__ __forceinline__ void multiply_112(int32_t (&d)[56], uint64_t a, uint64_t b) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n112k32.s32.s8.s8 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, "
        "%11, "
        "%12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, "
        "%52, %53, %54, %55}, %56, %57, %58;"
        : QUDNN_SUMS_16(0), QUDNN_SUMS_16(16), QUDNN_SUMS_16(32), QUDNN_SUMS_4(48), QUDNN_SUMS_4(52)
        : "l"(a), "l"(b), "n"(kAccumulates ? 1 : 0));
#endif
}

// Leaves each thread of the warpgroup kCount registers, a multiple of 8.
template <int kCount>
__device__ __forceinline__ void give_registers_up() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" : : "n"(kCount));
#endif
}

// Waits until each thread of the warpgroup has kCount of them.
template <int kCount>
__device__ __forceinline__ void take_registers() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" : : "n"(kCount));
#endif
}

// Transposes a matrix of 8 rows of 8 pairs of bytes: lane 4 * g + t has pairs 2 * t and 2 * t + 1 of row g,
// before as after.
__device__ inline uint32_t transposed_pairs(uint32_t v) {
    uint32_t result = 0;
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(result) : "r"(v));
#endif
    return result;
}

}  // namespace qudnn::kernels
