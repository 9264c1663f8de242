#include "kernels/image/global_average_pool.h"

#include "kernels/common/common.cuh"
#include "kernels/common/dependent_launch.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kMaxVectors = 8;  // of 16 channels side by side in a block: 128 contiguous bytes
constexpr int kMaxThreads = 1024;

// acc[i] += byte i of a vector.
__device__ void accumulate(const uint4& v, int (&acc)[16]) {
    const uint32_t words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (int i = 0; i < 16; ++i) acc[i] = __dp4a(static_cast<int>(words[i / 4]), 1 << (i % 4 * 8), acc[i]);
}

// A block: blockDim.x vectors of one image (a power of 2, at most 8), hw split over blockDim.y.
__global__ void __launch_bounds__(kMaxThreads)
    pool_vectors(int64_t n, int64_t hw, int64_t vectors, int64_t blocks_per_image, int32_t offset,
                 float scale, OutputRange range, const uint4* x, int8_t* __restrict__ y) {
    follow_kernels_before();
    __shared__ int sums[kMaxThreads / 32][kMaxVectors * 16];
    const int width = blockDim.x;
    const int thread = threadIdx.y * width + threadIdx.x;
    for (int64_t block = blockIdx.x; block < n * blocks_per_image; block += gridDim.x) {
        int64_t image = block / blocks_per_image;
        int64_t first = (block - image * blocks_per_image) * width;
        int64_t vector = first + threadIdx.x;
        int acc[16] = {};
        if (vector < vectors) {
            const uint4* source = x + image * hw * vectors + vector;
#pragma unroll 4
            for (int64_t i = threadIdx.y; i < hw; i += blockDim.y) accumulate(source[i * vectors], acc);
        }
        for (int lane = width; lane < 32; lane *= 2) {
#pragma unroll
            for (int i = 0; i < 16; ++i) acc[i] += __shfl_xor_sync(0xFFFFFFFFu, acc[i], lane);
        }
        if (thread % 32 < width) {
#pragma unroll
            for (int i = 0; i < 16; ++i) sums[thread / 32][threadIdx.x * 16 + i] = acc[i];
        }
        __syncthreads();
        if (thread < width * 16 && first * 16 + thread < vectors * 16) {
            int total = offset;
            for (int warp = 0; warp < static_cast<int>(width * blockDim.y / 32); ++warp)
                total += sums[warp][thread];
            y[image * vectors * 16 + first * 16 + thread] =
                static_cast<int8_t>(requantize(total, scale, range));
        }
        __syncthreads();
    }
}

__global__ void __launch_bounds__(kThreads)
    pool_channels(int64_t count, int64_t hw, int64_t c, int32_t offset, float scale, OutputRange range,
                  const int8_t* __restrict__ x, int8_t* __restrict__ y) {
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads) {
        const int8_t* source = x + i / c * hw * c + i % c;
        int total = offset;
        for (int64_t j = 0; j < hw; ++j) total += source[j * c];
        y[i] = static_cast<int8_t>(requantize(total, scale, range));
    }
}

}  // namespace

cudaError_t global_average_pool(int64_t n, int64_t hw, int64_t c, float x_scale, int x_zero_point,
                                float y_scale, int y_zero_point, const int8_t* x, int8_t* y,
                                cudaStream_t stream) {
    if (n * c == 0) return cudaSuccess;
    const float scale = divide(x_scale, multiply(y_scale, static_cast<float>(hw)));
    const auto offset = static_cast<int32_t>(-x_zero_point * hw);
    const OutputRange range(y_zero_point);
    if (c % 16 != 0 || !aligned(x, 16))
        return launch(pool_channels, ceil_div(n * c, kThreads), kThreads, stream, n * c, hw, c, offset, scale,
                      range, x, y);
    const int64_t vectors = c / 16;
    int width = kMaxVectors;
    while (width / 2 >= vectors) width /= 2;
    const int64_t blocks_per_image = ceil_div(vectors, width);
    // A large image over few blocks: more threads each, so that enough loads are in flight.
    const int threads = hw * width >= 8 * kMaxThreads ? kMaxThreads : kThreads;
    return launch_dependent(pool_vectors, n * blocks_per_image, dim3(width, threads / width), 0, stream, n,
                            hw, vectors, blocks_per_image, offset, scale, range,
                            reinterpret_cast<const uint4*>(x), y);
}

}  // namespace qudnn::kernels
