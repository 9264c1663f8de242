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

// The first step of a barrier after which all blocks of the cluster run; nothing else is promised.
__device__ inline void say_that_block_runs() {
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

// Writes a vector to another block's memory. That block has to run already, and may not end before.
__device__ inline void write_to_block(uint32_t there, const uint32_t (&v)[2]) {
#if __CUDA_ARCH__ >= 900
    asm volatile("st.shared::cluster.v2.b32 [%0], {%1, %2};" : : "r"(there), "r"(v[0]), "r"(v[1]) : "memory");
#endif
}
__device__ inline void write_to_block(uint32_t there, const uint32_t (&v)[4]) {
#if __CUDA_ARCH__ >= 900
    asm volatile("st.shared::cluster.v4.b32 [%0], {%1, %2, %3, %4};"
                 :
                 : "r"(there), "r"(v[0]), "r"(v[1]), "r"(v[2]), "r"(v[3])
                 : "memory");
#endif
}

// Lets mmas of all blocks see what the thread wrote to their memory, once who starts them has waited for it.
__device__ inline void publish_to_blocks() {
#if __CUDA_ARCH__ >= 900
    asm volatile("fence.proxy.async;" : : : "memory");
#endif
}

// Arrives at another block's barrier: what the warp wrote to that block before __syncwarp() is seen by who
// waits with wait_for_blocks().
__device__ inline void arrive_at_block(uint32_t barrier_there) {
#if __CUDA_ARCH__ >= 900
    asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];"
                 :
                 : "r"(barrier_there)
                 : "memory");
#endif
}

// Waits for the end of the phase of that parity of a barrier at which other blocks arrive.
__device__ inline void wait_for_blocks(uint32_t barrier, int parity) {
#if __CUDA_ARCH__ >= 900
    asm volatile(
        "{ .reg .pred done;\n"
        "again:\n"
        "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 done, [%0], %1;\n"
        "@done bra ready;\n"
        "bra again;\n"
        "ready: }"
        :
        : "r"(barrier), "r"(parity)
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
