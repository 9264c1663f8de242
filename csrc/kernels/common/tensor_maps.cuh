// Tensor maps for TMA, made on the host.
#pragma once

#include <cuda.h>
#include <cudaTypedefs.h>
#include <cuda_runtime_api.h>

#include <array>
#include <atomic>
#include <cstdint>

namespace qudnn::kernels {

using Encode = PFN_cuTensorMapEncodeTiled_v12000;

template <class Function>
inline Function driver_function(const char* name) {
    void* function = nullptr;
    cudaDriverEntryPointQueryResult result{};
    if (cudaGetDriverEntryPointByVersion(name, &function, 12000, cudaEnableDefault, &result) != cudaSuccess ||
        result != cudaDriverEntryPointSuccess)
        function = nullptr;
    return reinterpret_cast<Function>(function);
}

inline Encode encoder() {
    static const auto found = driver_function<Encode>("cuTensorMapEncodeTiled");
    return found;
}

// Vectors exchanged within rows of `width` bytes; 0: as they are.
inline CUtensorMapSwizzle swizzle(int width) {
    return width == 128  ? CU_TENSOR_MAP_SWIZZLE_128B
           : width == 64 ? CU_TENSOR_MAP_SWIZZLE_64B
           : width == 32 ? CU_TENSOR_MAP_SWIZZLE_32B
                         : CU_TENSOR_MAP_SWIZZLE_NONE;
}

inline std::atomic<uint64_t> maps_made{0};

template <size_t kRank>
inline bool encode(CUtensorMap& map, const int8_t* tensor, const std::array<int64_t, kRank>& extents,
                   const std::array<int64_t, kRank - 1>& strides, const std::array<int64_t, kRank>& box,
                   int width) {
    std::array<cuuint64_t, kRank> sizes;
    std::array<cuuint64_t, kRank - 1> steps;
    std::array<cuuint32_t, kRank> boxes, ones;
    for (size_t i = 0; i < kRank; ++i) {
        sizes[i] = static_cast<cuuint64_t>(extents[i]), boxes[i] = static_cast<cuuint32_t>(box[i]),
        ones[i] = 1;
        if (i + 1 < kRank) steps[i] = static_cast<cuuint64_t>(strides[i]);
    }
    maps_made.fetch_add(1, std::memory_order_relaxed);
    return encoder()(&map, CU_TENSOR_MAP_DATA_TYPE_UINT8, kRank, const_cast<int8_t*>(tensor), sizes.data(),
                     steps.data(), boxes.data(), ones.data(), CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle(width),
                     CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

}  // namespace qudnn::kernels
