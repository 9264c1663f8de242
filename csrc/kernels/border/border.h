// Kernels that carry a tensor across an island's border: transpose, pad or drop channels, quantize,
// dequantize or shift, in one pass.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace qudnn::kernels {

constexpr int kMaxBorderRank = 8;

// The tensor inside the island is dense and has the dims `inside`. Where each coordinate minus `before` lies
// within [0, extent), it holds the outside element at sum(coordinate * outside_stride). An entry fills the
// rest. For an exit before is 0 and extent <= inside (the last one: channels); the dense outside tensor
// receives the elements within extent.
struct BorderGeometry {
    int rank;
    int64_t inside[kMaxBorderRank];
    int64_t before[kMaxBorderRank];
    int64_t extent[kMaxBorderRank];
    int64_t outside_stride[kMaxBorderRank];
};

// saturate(rint(x / scale) + zero_point), a true division; NaN gives -128. Fill: zero_point.
cudaError_t quantize_to_island(const BorderGeometry& g, float scale, int zero_point, const float* x,
                               int8_t* y, cudaStream_t stream);

// x - offset of 8-bit x: offset 128 reads uint8, 0 reads int8. Fill: zero_point.
cudaError_t convert_to_island(const BorderGeometry& g, int offset, int zero_point, const void* x, int8_t* y,
                              cudaStream_t stream);

// float(x - zero_point) * scale.
cudaError_t dequantize_from_island(const BorderGeometry& g, float scale, int zero_point, const int8_t* x,
                                   float* y, cudaStream_t stream);

// x + offset to 8-bit y: offset 128 writes uint8, 0 writes int8.
cudaError_t convert_from_island(const BorderGeometry& g, int offset, const int8_t* x, void* y,
                                cudaStream_t stream);

}  // namespace qudnn::kernels
