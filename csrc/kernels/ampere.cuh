// What GPUs have since Ampere (compute capability 8.0): int8 products of 32 values on the tensor cores, and
// copies from global to shared memory that do not wait. Never reached on older ones.
#pragma once

#include <cstdint>

namespace qudnn::kernels {

// d += a * b by a warp: 16 rows of 32 bytes times 8 columns of 32 bytes, int32 results, wrapping.
// With lane = 4 * g + t, each 4 bytes of the summed dimension in a word:
//   a  words t and t + 4 of rows g and g + 8: row g word t, row g + 8 word t, row g word t + 4, the last
//   b  words t and t + 4 of column g
//   d  columns 2 * t and 2 * t + 1 of row g, then of row g + 8
__device__ inline void multiply_add(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

// Four words of shared memory, read here and now: the compiler does not keep them in registers instead.
__device__ inline void load_shared(int32_t (&v)[4], const uint32_t* shared) {
    asm volatile("ld.shared.v4.s32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
                 : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared)))
                 : "memory");
}

// Starts copying kWords words; both addresses are multiples of their size.
template <int kWords>
__device__ inline void copy_async(uint32_t* shared, const void* global) {
    static_assert(kWords == 1 || kWords == 2 || kWords == 4);
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;"
                 :
                 : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared))), "l"(global), "n"(kWords * 4)
                 : "memory");
#endif
}

// Closes a group of the thread's copies.
__device__ inline void commit_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits for all groups but the last kGroups.
template <int kGroups>
__device__ inline void wait_for_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" : : "n"(kGroups) : "memory");
#endif
}

}  // namespace qudnn::kernels
