#include "kernels/norm/layer_normalization.cuh"

#include "kernels/norm/row_tiles.cuh"

namespace qudnn::kernels {
namespace {

struct Tensor {
    using Item = uint32_t;

    const int8_t* x;
    int stride;

    template <bool kWords>
    __device__ uint32_t load(int64_t row, int c) const {
        return load_word<kWords>(x + row * stride, c, stride);
    }
    template <bool kWords>
    __device__ uint32_t word(uint32_t item, int64_t, int) const {
        return item;
    }

    static constexpr int kInputs = 1;
    static constexpr int8_t* total = nullptr;
    __device__ const int8_t* input(int) const { return x; }
    __device__ uint32_t word(const uint32_t (&v)[1], const CenteredBytes& bytes, float (&centered)[4]) const {
        bytes.of(v[0], centered);
        return v[0];
    }
};

// Fewer than 8 channels, a thread to a row. Y: as that of normalize_rows.
template <typename Y>
__global__ void __launch_bounds__(kThreads)
    normalize_short_rows(int64_t rows, const __grid_constant__ Normalization k, const int8_t* __restrict__ x,
                         const float* __restrict__ gamma, const float* __restrict__ beta, Y* __restrict__ y) {
    constexpr bool kToFloat = std::is_same_v<Y, float>;
    for (int64_t row = int64_t{blockIdx.x} * kThreads + threadIdx.x; row < rows;
         row += int64_t{gridDim.x} * kThreads) {
        const int8_t* source = x + row * k.x_stride;
        Y* target = y + row * k.y_stride;
        normalize_short_row(
            k.channels, k.epsilon, gamma, beta, [&](int c) { return k.value(source, c); },
            [&](int c, float value) {
                if constexpr (kToFloat)
                    target[c] = value;
                else
                    target[c] = static_cast<int8_t>(k.quantizer.quantized<true>(value));
            });
        for (int c = k.channels; c < k.y_stride; ++c) target[c] = 0;
    }
}

template <typename Y>
cudaError_t launch_layer_normalization(const NormalizationGeometry& g, const NormalizationScales& scales,
                                       const int8_t* x, const float* gamma, const float* beta, Y* y,
                                       cudaStream_t stream) {
    if (g.rows * g.channels == 0) return cudaSuccess;
    if (!narrow_rows(g)) return cudaErrorInvalidValue;
    const Normalization k(g, scales);
    if (g.channels < kLanes)
        return launch(normalize_short_rows<Y>, ceil_div(g.rows, kThreads), kThreads, stream, g.rows, k, x,
                      gamma, beta, y);
    const Tensor source{x, k.x_stride};
    if constexpr (std::is_same_v<Y, int8_t>)
        if (are_row_tiles(g, scales, aligned(x, 16), gamma, beta, y))
            return launch_normalize_row_tiles(g, scales, source, gamma, beta, y, stream);
    const bool words = g.x_stride % 4 == 0 && aligned(x, 4);
    return launch_normalize_rows(k, words, source, gamma, beta, y, stream);
}

}  // namespace

cudaError_t layer_normalization(const NormalizationGeometry& g, const NormalizationScales& scales,
                                const int8_t* x, const float* gamma, const float* beta, int8_t* y,
                                cudaStream_t stream) {
    return launch_layer_normalization(g, scales, x, gamma, beta, y, stream);
}

cudaError_t layer_normalization_to_float(const NormalizationGeometry& g, const NormalizationScales& scales,
                                         const int8_t* x, const float* gamma, const float* beta, float* y,
                                         cudaStream_t stream) {
    return launch_layer_normalization(g, scales, x, gamma, beta, y, stream);
}

}  // namespace qudnn::kernels
