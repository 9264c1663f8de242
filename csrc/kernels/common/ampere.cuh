// What GPUs have since Ampere (compute capability 8.0): mma of int8 and TF32 values on the tensor cores,
// cp.async from global to shared memory, and packing with saturation. Never reached on older GPUs.
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

// As multiply_add(), with `start` in place of each d.
__device__ inline void multiply(int32_t (&d)[4], int32_t start, const uint32_t (&a)[4],
                                const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%10, %10, %10, %10};"
        : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(start));
#endif
}

// x as an operand of a TF32 mma, which ignores the 13 lowest bits (the compiler's cvt.rna.tf32 relies on
// that, too). The remaining number is within 2^-11 of x, relatively. cvt.rna.tf32 has no better bound and
// becomes two instructions.
__device__ inline uint32_t to_tf32(float x) { return __float_as_uint(x * 1.00048828125f); }

// d += a * b by a warp: 16 rows of 8 TF32 values times 8 columns of 8, float32 sums. The fragments are those
// of the int8 mma, with a TF32 value in place of four bytes.
__device__ inline void multiply_add(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

// Four matrices of 8 rows of 16 bytes from shared memory, one in each word: lanes 8 i to 8 i + 7 say where
// the rows of matrix i are, and lane 4 * g + t gets word t of row g.
__device__ inline void load_matrices(uint32_t (&v)[4], const uint32_t* row) {
#if __CUDA_ARCH__ >= 800
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
                 : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row)))
                 : "memory");
#endif
}

// As load_matrices(), each matrix transposed as one of pairs of bytes: lane 4 * g + t gets pair g of row 2 *
// t and, in the upper half, of row 2 * t + 1.
__device__ inline void load_transposed_matrices(uint32_t (&v)[4], const uint32_t* row) {
#if __CUDA_ARCH__ >= 800
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
                 : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row)))
                 : "memory");
#endif
}

// Reads four words of shared memory at this point: the compiler does not keep them in registers instead.
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

// Starts copying four words that the multiprocessor reads only once: bypasses its cache.
__device__ inline void copy_once(uint32_t* shared, const void* global) {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"
                 :
                 : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared))), "l"(global)
                 : "memory");
#endif
}

// As copy_once(), of the first bytes (0 to 16); zeros in place of the others, which are not read.
__device__ inline void copy_part(uint32_t* shared, const void* global, int bytes) {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared))), "l"(global), "r"(bytes)
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

// Four integers, clamped to 8 bits each, in a word.
__device__ inline uint32_t pack_saturated(int32_t a, int32_t b, int32_t c, int32_t d) {
    uint32_t word = 0;
#if __CUDA_ARCH__ >= 800
    asm("{ .reg .b32 high;\n"
        "cvt.pack.sat.s8.s32.b32 high, %4, %3, 0;\n"
        "cvt.pack.sat.s8.s32.b32 %0, %2, %1, high; }"
        : "=r"(word)
        : "r"(a), "r"(b), "r"(c), "r"(d));
#endif
    return word;
}

// Four floats, rounded half to even and clamped to 8 bits each, in a word; NaN becomes 0. The compiler makes
// one instruction for each two on GPUs that have it.
__device__ inline uint32_t round_and_pack(const float (&v)[4]) {
    return pack_saturated(__float2int_rn(v[0]), __float2int_rn(v[1]), __float2int_rn(v[2]),
                          __float2int_rn(v[3]));
}

// As round_and_pack(), to 0 to 255.
__device__ inline uint32_t round_and_pack_unsigned(const float (&v)[4]) {
    uint32_t word = 0;
#if __CUDA_ARCH__ >= 800
    asm("{ .reg .b32 high;\n"
        "cvt.pack.sat.u8.s32.b32 high, %4, %3, 0;\n"
        "cvt.pack.sat.u8.s32.b32 %0, %2, %1, high; }"
        : "=r"(word)
        : "r"(__float2int_rn(v[0])), "r"(__float2int_rn(v[1])), "r"(__float2int_rn(v[2])),
          "r"(__float2int_rn(v[3])));
#endif
    return word;
}

}  // namespace qudnn::kernels
