#include "kernels/layer_normalization.cuh"

namespace qudnn::kernels {
namespace {

struct Tensor {
    const int8_t* x;

    __device__ const int8_t* prepared(const Normalization& k, int64_t row, int) const {
        return x + row * k.x_stride;
    }
};

// Fewer than 8 channels, a thread to a row.
__global__ void __launch_bounds__(kThreads)
    normalize_short_rows(int64_t rows, const __grid_constant__ Normalization k, const int8_t* __restrict__ x,
                         const float* __restrict__ gamma, const float* __restrict__ beta,
                         int8_t* __restrict__ y) {
    for (int64_t row = int64_t{blockIdx.x} * kThreads + threadIdx.x; row < rows;
         row += int64_t{gridDim.x} * kThreads) {
        const int8_t* source = x + row * k.x_stride;
        int8_t* target = y + row * k.y_stride;
        normalize_short_row(
            k.channels, k.epsilon, gamma, beta, [&](int c) { return k.value(source, c); },
            [&](int c, float value) { target[c] = static_cast<int8_t>(k.quantizer.quantized<true>(value)); });
        for (int c = k.channels; c < k.y_stride; ++c) target[c] = 0;
    }
}

}  // namespace

cudaError_t layer_normalization(const NormalizationGeometry& g, const NormalizationScales& scales,
                                const int8_t* x, const float* gamma, const float* beta, int8_t* y,
                                cudaStream_t stream) {
    if (g.rows * g.channels == 0) return cudaSuccess;
    // Room for the last step of a row's loop.
    if (!narrow(g.x_stride + kLanes * kUnit) || !narrow(g.y_stride + kLanes * kUnit))
        return cudaErrorInvalidValue;
    Normalization k(g, scales);
    if (g.channels < kLanes)
        return launch(normalize_short_rows, ceil_div(g.rows, kThreads), kThreads, stream, g.rows, k, x, gamma,
                      beta, y);
    k.x_vectors = g.x_stride % kUnit == 0 && aligned(x, kUnit);
    return launch_normalize_rows(g, k, Tensor{x}, 0, gamma, beta, y, stream);
}

}  // namespace qudnn::kernels
