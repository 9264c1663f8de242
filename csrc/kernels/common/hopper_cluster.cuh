// Blocks of a cluster and each other's shared memory, on Hopper GPUs: see hopper.cuh.
#pragma once

#include "kernels/common/hopper.cuh"

namespace qudnn::kernels {

// A barrier of all threads of the cluster, for what they wrote to shared memory before it.
__device__ inline void cluster_barrier() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("barrier.cluster.arrive.release;\nbarrier.cluster.wait.acquire;" : : : "memory");
#endif
}

// Reads a vector of the shared memory of the cluster's block `rank`, from the address that it has in this
// one.
__device__ inline int4 read_of_block(uint32_t shared, int rank) {
    int4 v{};
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
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
