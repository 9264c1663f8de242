// What Hopper GPUs have (compute capability 9.0, code for sm_90a): wgmma of int8 matrices in shared memory,
// by four warps at a time, and TMA copies of boxes of a tensor that complete on an mbarrier. Never reached on
// other GPUs.
//
// Matrices in shared memory have rows of kWidth = 32, 64 or 128 bytes, one after another, whose 16-byte
// vectors are exchanged as the copies do it: by address, so that a matrix may start at any row.
#pragma once

#include <cuda.h>

#include <cstdint>

namespace qudnn::kernels {

#ifdef QUDNN_SM90A  // compiled for sm_90a, which the host's side cannot see
constexpr bool kHasHopperCode = true;
#else
constexpr bool kHasHopperCode = false;
#endif

__device__ inline uint32_t shared_address(const void* shared) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(shared));
}

// --- Barriers of shared memory. A phase ends when all arrivals and all announced bytes have come.

__device__ inline void start_barrier(uint32_t barrier, int arrivals) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" : : "r"(barrier), "r"(arrivals) : "memory");
#endif
}

// Makes started barriers known to the copies, before the block's barrier.
__device__ inline void publish_barriers() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("fence.mbarrier_init.release.cluster;\nfence.proxy.async.shared::cta;" : : : "memory");
#endif
}

__device__ inline void arrive(uint32_t barrier) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" : : "r"(barrier) : "memory");
#endif
}

// Arrives, and announces bytes that copies bring.
__device__ inline void arrive_announcing(uint32_t barrier, int bytes) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;"
                 :
                 : "r"(barrier), "r"(bytes)
                 : "memory");
#endif
}

// Waits for the end of the phase of that parity.
__device__ inline void wait_for(uint32_t barrier, int parity) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile(
        "{ .reg .pred done;\n"
        "again:\n"
        "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
        "@done bra ready;\n"
        "bra again;\n"
        "ready: }"
        :
        : "r"(barrier), "r"(parity)
        : "memory");
#endif
}

// Makes what this thread has written to shared memory known to copies and mmas that are started after it.
__device__ inline void publish_writes() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("fence.proxy.async.shared::cta;" : : : "memory");
#endif
}

// A barrier of the block's first `threads` threads.
__device__ inline void meet(int threads) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("barrier.cta.sync 1, %0;" : : "r"(threads) : "memory");
#endif
}

// The same; returns whether the predicate held for one of them.
__device__ inline bool any_of(int threads, bool yes) {
    int result = 0;
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile(
        "{ .reg .pred given, any;\n"
        "setp.ne.s32 given, %1, 0;\n"
        "barrier.cta.red.or.pred any, 1, %2, given;\n"
        "selp.s32 %0, 1, 0, any; }"
        : "=r"(result)
        : "r"(static_cast<int>(yes)), "r"(threads)
        : "memory");
#endif
    return result != 0;
}

// --- Copies of a box, whose first element is at the coordinates, to shared memory. Elements outside of the
// tensor are 0.

__device__ inline void copy_box(uint32_t shared, const CUtensorMap& map, uint32_t barrier, int c0, int c1,
                                int c2, int c3) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile(
        "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, "
        "%6}], [%2];"
        :
        : "r"(shared), "l"(&map), "r"(barrier), "r"(c0), "r"(c1), "r"(c2), "r"(c3)
        : "memory");
#endif
}

__device__ inline void copy_box(uint32_t shared, const CUtensorMap& map, uint32_t barrier, int c0, int c1,
                                int c2, int c3, int c4) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile(
        "cp.async.bulk.tensor.5d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, "
        "%6, %7}], [%2];"
        :
        : "r"(shared), "l"(&map), "r"(barrier), "r"(c0), "r"(c1), "r"(c2), "r"(c3), "r"(c4)
        : "memory");
#endif
}

// The same of a map for im2col: as many pixels as its boxes have, from the one at the coordinates on, moved
// by the tap's place in the window. What lies outside of an image is 0.
__device__ inline void copy_pixels(uint32_t shared, const CUtensorMap& map, uint32_t barrier, int channel,
                                   int column, int line, int image, int across, int down) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile(
        "cp.async.bulk.tensor.4d.im2col.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, "
        "%4, %5, %6}], [%2], {%7, %8};"
        :
        : "r"(shared), "l"(&map), "r"(barrier), "r"(channel), "r"(column), "r"(line), "r"(image),
          "h"(static_cast<uint16_t>(across)), "h"(static_cast<uint16_t>(down))
        : "memory");
#endif
}

// Fetches a line of 128 bytes to the cache that all multiprocessors share.
__device__ inline void fetch_line(const void* global) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("prefetch.global.L2 [%0];" : : "l"(global));
#endif
}

// Fetches the map, so that the first copy with it need not wait for it.
__device__ inline void prefetch_map(const CUtensorMap& map) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("prefetch.tensormap [%0];" : : "l"(&map) : "memory");
#endif
}

// --- mma on warpgroups.

// A matrix in shared memory as the mmas take it; its address in sixteens may be added to.
__device__ inline uint64_t matrix_at(uint32_t shared, int width) {
    const uint64_t swizzle = width == 128 ? 1 : width == 64 ? 2 : 3;
    return swizzle << 62 | static_cast<uint64_t>(width / 2) << 32 | 1 << 16 | (shared & 0x3FFFF) >> 4;
}

// Called before wgmma whose accumulators other instructions wrote.
__device__ __forceinline__ void fence_wgmma() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("wgmma.fence.sync.aligned;" : : : "memory");
#endif
}

// Closes a group of mmas.
__device__ __forceinline__ void commit_wgmma() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("wgmma.commit_group.sync.aligned;" : : : "memory");
#endif
}

// Waits for all groups but the last kGroups.
template <int kGroups>
__device__ __forceinline__ void wait_for_wgmma() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("wgmma.wait_group.sync.aligned %0;" : : "n"(kGroups) : "memory");
#endif
}

// d += a * b by four warps: 64 rows of 32 bytes of a times kColumns rows of 32 bytes of b, int32 results,
// wrapping. Lane 4 * g + t of warp w holds columns 8 j + 2 t and 8 j + 2 t + 1 of row 16 w + g in d[4 j] and
// d[4 j + 1], those of row 16 w + g + 8 in the two after. Does not wait.
template <int kColumns>
__device__ __forceinline__ void multiply_add(int32_t (&d)[kColumns / 2], uint64_t a, uint64_t b);

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define QUDNN_PLACES_16 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define QUDNN_PLACES_32 \
    QUDNN_PLACES_16 ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define QUDNN_PLACES_64                                                                  \
    QUDNN_PLACES_32                                                                      \
    ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define QUDNN_SUMS_4(i) "+r"(d[i]), "+r"(d[(i) + 1]), "+r"(d[(i) + 2]), "+r"(d[(i) + 3])
#define QUDNN_SUMS_16(i) QUDNN_SUMS_4(i), QUDNN_SUMS_4((i) + 4), QUDNN_SUMS_4((i) + 8), QUDNN_SUMS_4((i) + 12)
#define QUDNN_WGMMA(columns, places, a_place, b_place, ...)                                            \
    asm volatile("wgmma.mma_async.sync.aligned.m64n" #columns "k32.s32.s8.s8 {" places "}, %" #a_place \
                 ", %" #b_place ", 1;"                                                                 \
                 : __VA_ARGS__                                                                         \
                 : "l"(a), "l"(b))
#else
#define QUDNN_WGMMA(...)
#endif

template <>
__device__ __forceinline__ void multiply_add<32>(int32_t (&d)[16], uint64_t a, uint64_t b) {
    QUDNN_WGMMA(32, QUDNN_PLACES_16, 16, 17, QUDNN_SUMS_16(0));
}

template <>
__device__ __forceinline__ void multiply_add<64>(int32_t (&d)[32], uint64_t a, uint64_t b) {
    QUDNN_WGMMA(64, QUDNN_PLACES_32, 32, 33, QUDNN_SUMS_16(0), QUDNN_SUMS_16(16));
}

template <>
__device__ __forceinline__ void multiply_add<128>(int32_t (&d)[64], uint64_t a, uint64_t b) {
    QUDNN_WGMMA(128, QUDNN_PLACES_64, 64, 65, QUDNN_SUMS_16(0), QUDNN_SUMS_16(16), QUDNN_SUMS_16(32),
                QUDNN_SUMS_16(48));
}

#undef QUDNN_WGMMA

}  // namespace qudnn::kernels
