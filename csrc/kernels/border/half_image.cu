#include "kernels/border/half_image.h"

#include <cuda_fp16.h>

#include "kernels/border/cross.cuh"

namespace qudnn::kernels {

template <>
struct Quad<__half> {
    Quad<float> real;

    __device__ void load(const __half* p, int64_t stride, int first, int last, bool) {
#pragma unroll
        for (int i = 0; i < 4; ++i) real.v[i] = i >= first && i < last ? __half2float(p[i * stride]) : 0.0f;
    }
};

namespace {

struct QuantizeHalf : Quantize {
    using Outside = __half;
    using Quantize::Quantize;

    __device__ const QuantizeHalf& prepared() const { return *this; }
    __device__ uint32_t inward(const Quad<__half>& q) const { return Quantize::inward(q.real); }
};

struct QuantizeRounded : Quantize {
    using Quantize::Quantize;

    __device__ const QuantizeRounded& prepared() const { return *this; }
    __device__ uint32_t inward(const Quad<float>& q) const {
        Quad<float> rounded;
#pragma unroll
        for (int i = 0; i < 4; ++i) rounded.v[i] = __half2float(__float2half_rn(q.v[i]));
        return Quantize::inward(rounded);
    }
};

}  // namespace

cudaError_t quantize_half_image_to_island(const BorderGeometry& g, float scale, int zero_point, const void* x,
                                          int8_t* y, cudaStream_t stream) {
    if (g.rank != 4 || g.inside[3] != 4 || g.extent[3] > 4 || !aligned(y, 4)) return cudaErrorInvalidValue;
    return run_segments<QuantizeHalf, 1, 1>(as_border(g), QuantizeHalf(zero_point, scale),
                                            static_cast<const __half*>(x), y, stream);
}

cudaError_t quantize_rounded_to_island(const BorderGeometry& g, float scale, int zero_point, const float* x,
                                       int8_t* y, cudaStream_t stream) {
    return cross(g, QuantizeRounded(zero_point, scale), x, y, stream);
}

}  // namespace qudnn::kernels
