// Blocks of a cluster and each other's shared memory, on GPUs of compute capability 9.0 and newer. On older
// ones a block is alone, and nothing of this is reached.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace qudnn::kernels {

// A barrier of all threads of the cluster in two steps: what a thread wrote to shared memory before the first
// is seen after the second.
__device__ inline void arrive_at_cluster() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.arrive.release;" : : : "memory");
#endif
}
__device__ inline void wait_for_cluster() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.wait.acquire;" : : : "memory");
#endif
}
__device__ inline void cluster_barrier() {
    arrive_at_cluster();
    wait_for_cluster();
}

// The first step of a barrier after which all threads of the cluster have been here, and so all of its blocks
// run; nothing is promised of what they wrote.
__device__ inline void arrive_without_order() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.arrive.relaxed;" : : : "memory");
#endif
}

// The address that all blocks of the cluster know of what lies at `shared` in the block `rank`.
__device__ inline uint32_t block_address(uint32_t shared, int rank) {
    uint32_t there = 0;
#if __CUDA_ARCH__ >= 900
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(shared), "r"(rank));
#endif
    return there;
}

// Copies so many bytes, a multiple of 16, to another block's memory, and completes them on its barrier. That
// block has to run already; this one may not end before.
__device__ inline void copy_to_block(uint32_t there, uint32_t shared, int bytes, uint32_t barrier_there) {
#if __CUDA_ARCH__ >= 900
    asm volatile(
        "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];"
        :
        : "r"(there), "r"(shared), "r"(bytes), "r"(barrier_there)
        : "memory");
#endif
}

// Writes to the shared memory of the cluster's block `rank`, at the address that `place` has in this one.
// That block has to run already, and may not end before.
__device__ inline void write_to_block(int* place, int rank, int value) {
#if __CUDA_ARCH__ >= 900
    asm volatile(
        "{ .reg .u32 there;\n"
        "mapa.shared::cluster.u32 there, %0, %1;\n"
        "st.shared::cluster.s32 [there], %2; }"
        :
        : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(place))), "r"(rank), "r"(value)
        : "memory");
#endif
}

// Reads a vector of the shared memory of the cluster's block `rank`, from the address that it has in this
// one.
__device__ inline int4 read_of_block(uint32_t shared, int rank) {
    int4 v{};
#if __CUDA_ARCH__ >= 900
    asm volatile(
        "{ .reg .u32 there;\n"
        "mapa.shared::cluster.u32 there, %4, %5;\n"
        "ld.shared::cluster.v4.s32 {%0, %1, %2, %3}, [there]; }"
        : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
        : "r"(shared), "r"(rank)
        : "memory");
#endif
    return v;
}

}  // namespace qudnn::kernels
