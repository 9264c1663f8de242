#include "kernels/softmax.h"

#include <limits>

#include "kernels/common.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kWarps = 4;        // a row each
constexpr int kChunk = 32 * 16;  // exponentials of a row at a time

__device__ inline int biased(int8_t value) { return value + 128; }

// The result as x86 converts it: numbers beyond the integer's range become its lowest one.
__device__ inline int quantized(float exponential, float sum, const SoftmaxConstants& k) {
    const float rounded = divide(multiply(exponential, k.inverse_scale), sum);
    const float value = rintf(rounded);
    if (k.is_uint8) {  // through int64, of which the lower half counts
        const uint32_t integer =
            value < 9223372036854775808.0f ? static_cast<uint32_t>(static_cast<long long>(value)) : 0;
        return static_cast<int>(min(integer + static_cast<uint32_t>(k.y_zero_point), 255u)) - 128;
    }
    const int integer = value < 2147483648.0f ? static_cast<int>(value) : INT_MIN;
    return min(max(wrapping_add(integer, k.y_zero_point), -128), 127);
}

__global__ void __launch_bounds__(kWarps * 32)
    softmax_kernel(int64_t rows, int64_t stride, const __grid_constant__ SoftmaxConstants k,
                   const int8_t* __restrict__ x, int8_t* __restrict__ y) {
    __shared__ float exps[256];
    __shared__ __align__(16) float chunks[kWarps][kChunk];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int i = threadIdx.x; i < 256; i += kWarps * 32) exps[i] = k.exps[i];
    __syncthreads();
    float* chunk = chunks[warp];
    for (int64_t row = int64_t{blockIdx.x} * kWarps + warp; row < rows; row += int64_t{gridDim.x} * kWarps) {
        const int8_t* source = x + row * stride;
        int8_t* target = y + row * stride;
        int maximum = 0;
        for (int64_t c = lane; c < k.channels; c += 32) maximum = max(maximum, biased(source[c]));
        for (int other = 16; other > 0; other /= 2)
            maximum = max(maximum, __shfl_xor_sync(0xFFFFFFFFu, maximum, other));
        const int shift = 255 - maximum;

        // One addition after the other, as the specification has it: every lane adds up all of them.
        float sum = 0;
        for (int64_t first = 0; first < k.channels; first += kChunk) {
            const int size = static_cast<int>(min(k.channels - first, int64_t{kChunk}));
            for (int i = lane; i < kChunk; i += 32)
                chunk[i] = i < size ? exps[biased(source[first + i]) + shift] : 0;
            __syncwarp();
            for (int i = 0; i < size; i += 4) {  // beyond the end: + 0, which changes nothing
                const float4 four = *reinterpret_cast<const float4*>(chunk + i);
                sum = plus(plus(plus(plus(sum, four.x), four.y), four.z), four.w);
            }
            __syncwarp();
        }
        for (int64_t c = lane; c < stride; c += 32) {
            const int8_t value = source[c];
            target[c] =
                c < k.channels ? static_cast<int8_t>(quantized(exps[biased(value) + shift], sum, k)) : value;
        }
    }
}

}  // namespace

SoftmaxConstants softmax_constants(int64_t channels, float x_scale, float y_scale, int y_zero_point,
                                   bool is_uint8) {
    SoftmaxConstants k{};
    k.inverse_scale = std::floor(1.0f / y_scale);
    k.y_zero_point = y_zero_point;
    k.is_uint8 = is_uint8;
    k.channels = channels;
    // The largest exponential: the largest float / channels, less a factor of e^5 to be on the safe side.
    const double largest = std::log(std::numeric_limits<float>::max() / static_cast<float>(channels));
    const double scale = x_scale, shift = std::max(0.0, largest - 5) / scale;
    for (int i = 0; i < 256; ++i)
        k.exps[i] = static_cast<float>(std::exp((static_cast<double>(i) - 255 + shift) * scale));
    return k;
}

cudaError_t softmax(int64_t rows, int64_t stride, const SoftmaxConstants& constants, const int8_t* x,
                    int8_t* y, cudaStream_t stream) {
    if (rows * stride == 0) return cudaSuccess;
    return launch(softmax_kernel, ceil_div(rows, kWarps), kWarps * 32, stream, rows, stride, constants, x, y);
}

}  // namespace qudnn::kernels
