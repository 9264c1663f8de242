#include "kernels/image/float_pool.h"

#include <cfloat>
#include <cmath>

#include "kernels/common/common.cuh"
#include "kernels/common/float_activation.cuh"
#include "kernels/image/global_mean.cuh"

namespace qudnn::kernels {
namespace {

// y_stride: elements of an image of y, of which those beyond its channels become 0.
template <typename To>
__global__ void __launch_bounds__(kMeanChannels* kMeanSums)
    mean_of_images(int64_t n, int64_t hw, int64_t c, int64_t y_stride, FloatActivation f,
                   const __grid_constant__ To to, int64_t blocks_per_image, const float* __restrict__ x,
                   typename To::Type* __restrict__ y) {
    for (int64_t block = blockIdx.x; block < n * blocks_per_image; block += gridDim.x) {
        const int64_t image = block / blocks_per_image;
        const int64_t channel = (block - image * blocks_per_image) * kMeanChannels + threadIdx.x;
        const float* const pixels = x + image * hw * c + channel;
        const float mean =
            global_mean(hw, channel < c, [&](int64_t pixel) { return activated(f, pixels[pixel * c]); });
        if (threadIdx.y == 0 && channel < y_stride)
            y[image * y_stride + channel] = channel < c ? to(mean) : typename To::Type{};
    }
}

__global__ void __launch_bounds__(kThreads)
    max_of_windows(int64_t count, const __grid_constant__ PoolGeometry g, FloatActivation f,
                   const float* __restrict__ x, float* __restrict__ y) {
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads) {
        const int64_t pixel = i / g.c, channel = i - pixel * g.c;
        const int64_t row = pixel / g.q, image = row / g.p;
        const int64_t h0 = (row - image * g.p) * g.stride_h - g.pad_top;
        const int64_t w0 = (pixel - row * g.q) * g.stride_w - g.pad_left;
        const float* const source = x + image * g.h * g.w * g.c + channel;
        float most = -FLT_MAX;
        for (int64_t r = 0; r < g.r; ++r) {
            const int64_t h = h0 + r * g.dilation_h;
            if (h < 0 || h >= g.h) continue;
            for (int64_t s = 0; s < g.s; ++s) {
                const int64_t w = w0 + s * g.dilation_w;
                if (w >= 0 && w < g.w) most = fmaxf(most, activated(f, source[(h * g.w + w) * g.c]));
            }
        }
        y[i] = most;
    }
}

__global__ void __launch_bounds__(kThreads)
    mean_of_windows(int64_t count, const __grid_constant__ PoolGeometry g, bool count_padding,
                    FloatActivation f, const float* __restrict__ x, float* __restrict__ y) {
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads) {
        const int64_t pixel = i / g.c, channel = i - pixel * g.c;
        const int64_t row = pixel / g.q, image = row / g.p;
        const int64_t h0 = (row - image * g.p) * g.stride_h - g.pad_top;
        const int64_t w0 = (pixel - row * g.q) * g.stride_w - g.pad_left;
        const int64_t h_begin = max(h0, int64_t{0}), h_end = min(h0 + g.r, g.h);
        const int64_t w_begin = max(w0, int64_t{0}), w_end = min(w0 + g.s, g.w);
        const float* const source = x + image * g.h * g.w * g.c + channel;
        float total = 0;
        for (int64_t w = w_begin; w < w_end; ++w) {
            float column = 0;
            for (int64_t h = h_begin; h < h_end; ++h)
                column = plus(column, activated(f, source[(h * g.w + w) * g.c]));
            total = plus(total, column);
        }
        const int64_t taps = count_padding ? g.r * g.s : (h_end - h_begin) * (w_end - w_begin);
        y[i] = divide(total, static_cast<float>(taps));
    }
}

template <typename To>
cudaError_t launch_means(int64_t n, int64_t hw, int64_t c, int64_t y_stride, const FloatActivation& f,
                         const To& to, const float* x, typename To::Type* y, cudaStream_t stream) {
    if (n * c == 0) return cudaSuccess;
    const int64_t blocks_per_image = ceil_div(y_stride, kMeanChannels);
    return launch(mean_of_images<To>, n * blocks_per_image, dim3(kMeanChannels, kMeanSums), stream, n, hw, c,
                  y_stride, f, to, blocks_per_image, x, y);
}

}  // namespace

cudaError_t float_global_average_pool(int64_t n, int64_t hw, int64_t c, const FloatActivation& f,
                                      const float* x, float* y, cudaStream_t stream) {
    return launch_means(n, hw, c, c, f, MeanToFloat{}, x, y, stream);
}

cudaError_t quantized_global_average_pool(int64_t n, int64_t hw, int64_t c, int64_t y_stride, float y_scale,
                                          int y_zero_point, const float* x, int8_t* y, cudaStream_t stream) {
    constexpr FloatActivation kNone{-INFINITY, INFINITY, false};
    return launch_means(n, hw, c, y_stride, kNone, MeanToInt8{y_scale, OutputRange(y_zero_point)}, x, y,
                        stream);
}

cudaError_t float_max_pool(const PoolGeometry& g, const FloatActivation& f, const float* x, float* y,
                           cudaStream_t stream) {
    const int64_t count = g.n * g.p * g.q * g.c;
    if (count == 0) return cudaSuccess;
    return launch(max_of_windows, ceil_div(count, kThreads), kThreads, stream, count, g, f, x, y);
}

cudaError_t float_average_pool(const PoolGeometry& g, bool count_padding, const FloatActivation& f,
                               const float* x, float* y, cudaStream_t stream) {
    const int64_t count = g.n * g.p * g.q * g.c;
    if (count == 0) return cudaSuccess;
    return launch(mean_of_windows, ceil_div(count, kThreads), kThreads, stream, count, g, count_padding, f, x,
                  y);
}

}  // namespace qudnn::kernels
