// The first convolution of an image network and the max pool behind it, in one kernel, on Hopper GPUs.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

#include "kernels/conv/conv.h"
#include "kernels/image/max_pool.h"

namespace qudnn::kernels {

// Why the kernel does not take a convolution and the pool of its results on the current GPU; empty if it
// does. It needs c = 4, k a multiple of 64, filters of up to 7 x 8, strides of 2, one group, no dilation,
// rows of whole 16 bytes, and a 3 x 3 pool with strides of 2 and padding of 1 above and to the left.
std::string stem_pool_refusal(const ConvGeometry& g, const PoolGeometry& pool);

// An image outside of an island, [n, channels, h, w].
struct StemImage {
    const void* x;  // float32, or float16 if `half`
    bool half;
    bool rounds;  // to float16, what is float32
    int64_t channels;
    float scale;
};

// The same of a convolution whose image is still to be quantized; g is that of the quantized one.
std::string stem_pool_refusal(const ConvGeometry& g, const PoolGeometry& pool, const StemImage& image);

// As conv() of kernels/conv/conv.h, then max_pool() of its results, which are not stored; y is the pool's.
// The convolution has no y_padding. Multipliers are neither negative nor NaN nor infinite, so that the
// largest result is that of the largest sum. All pointers are multiples of 16.
cudaError_t stem_pool(const ConvGeometry& g, const PoolGeometry& pool, int x_zero_point, const int8_t* x,
                      const int8_t* filter, const Epilogue& epilogue, int8_t* y, cudaStream_t stream);

// As quantize_to_island() of kernels/border/border.h, then the above: the fourth channel is the zero point.
cudaError_t stem_pool(const ConvGeometry& g, const PoolGeometry& pool, int x_zero_point,
                      const StemImage& image, const int8_t* filter, const Epilogue& epilogue, int8_t* y,
                      cudaStream_t stream);

}  // namespace qudnn::kernels
