// Squeeze-and-excitation of images, in one kernel: mean, two pointwise products of it, and the product of
// the image with their result.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

#include "kernels/elementwise/binary.h"
#include "kernels/epilogue/epilogue.h"

namespace qudnn::kernels {

struct SqueezeExcitation {
    int64_t n, hw, c, k;  // images and their pixels, channels, and those between the two products
    float x_scale, mean_scale;
    int x_zero_point, mean_zero_point;
    BinaryScales product;  // a is x, b what the channels are multiplied by
};

// A pointwise convolution of one pixel, whose results are looked up: w has a row for each output channel.
struct Excitation {
    const int8_t* w;
    Epilogue epilogue;  // with a table
};

// Why the kernel does not take it on the current GPU; empty if it does. It needs c and k in multiples of 16,
// products whose numbers before rounding stay below 32,000, and images that are not too large for the blocks
// that share one.
std::string squeeze_excitation_refusal(const SqueezeExcitation& s);

// x [n,hw,c] -> y [n,hw,c]. As global_average_pool() of kernels/image/global_average_pool.h, conv() with w
// [k,c], conv() with w [c,k], then mul() of kernels/elementwise/mul.h. All pointers are multiples of 16.
// Weights and what goes with them are read before the kernels that come before in the stream have ended.
cudaError_t squeeze_excitation(const SqueezeExcitation& s, const int8_t* x, const Excitation& squeeze,
                               const Excitation& excite, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
