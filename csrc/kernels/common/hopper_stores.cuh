// Copies of boxes from shared memory to a tensor, on Hopper GPUs: see hopper.cuh.
#pragma once

#include "kernels/common/hopper.cuh"

namespace qudnn::kernels {

// Starts copying a box to the tensor, without what lies outside of it, in the thread's open group of copies.
__device__ inline void store_box(const CUtensorMap& map, uint32_t shared, int c0, int c1, int c2, int c3) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("cp.async.bulk.tensor.4d.global.shared::cta.bulk_group [%0, {%2, %3, %4, %5}], [%1];"
                 :
                 : "l"(&map), "r"(shared), "r"(c0), "r"(c1), "r"(c2), "r"(c3)
                 : "memory");
#endif
}

// Closes the thread's group of copies.
__device__ inline void commit_stores() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("cp.async.bulk.commit_group;" : : : "memory");
#endif
}

// Waits until all of the thread's groups but the last kGroups have been read from shared memory.
template <int kGroups>
__device__ inline void wait_for_stores_to_read() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("cp.async.bulk.wait_group.read %0;" : : "n"(kGroups) : "memory");
#endif
}

}  // namespace qudnn::kernels
