#include "kernels/border/border.h"

#include "kernels/border/cross.cuh"

namespace qudnn::kernels {

cudaError_t quantize_to_island(const BorderGeometry& g, float scale, int zero_point, const float* x,
                               int8_t* y, cudaStream_t stream) {
    return cross(g, Quantize(zero_point, scale), x, y, stream);
}

cudaError_t convert_to_island(const BorderGeometry& g, int offset, int zero_point, const void* x, int8_t* y,
                              cudaStream_t stream) {
    return cross(g, ShiftIn{splat(offset), splat(zero_point)}, static_cast<const uint8_t*>(x), y, stream);
}

cudaError_t dequantize_from_island(const BorderGeometry& g, float scale, int zero_point, const int8_t* x,
                                   float* y, cudaStream_t stream) {
    return cross(g, Dequantize{byte_origin(zero_point), scale}, y, x, stream);
}

cudaError_t convert_from_island(const BorderGeometry& g, int offset, const int8_t* x, void* y,
                                cudaStream_t stream) {
    return cross(g, ShiftOut{splat(offset)}, static_cast<uint8_t*>(y), x, stream);
}

}  // namespace qudnn::kernels
