// The first convolution of an image network, on tensor cores: 4 channels in, filters of up to 8 x 8.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/conv/conv.h"

namespace qudnn::kernels {

// How the work is cut: a warp holds the filters of `columns` output channels in registers and goes over tiles
// of `rows` x 16 output pixels.
struct StemVariant {
    int kernel;  // its number in the table of kernels
    int columns;
    int rows;
    int warps;   // per block
    int blocks;  // as many as the GPU runs at once, or as have work
};

// Why the kernel does not take it on the current GPU; empty where it does: c = 4, k a multiple of 16, r, s
// and strides of at most 8, one group, no dilation.
std::string stem_refusal(const ConvGeometry& g);

// The ways to run it on the current GPU, what is expected to be fastest first. None where it is refused, or
// where shared memory has no room for a tile.
std::vector<StemVariant> stem_variants(const ConvGeometry& g);

// As conv() of kernels/conv/conv.h. All pointers are multiples of 16.
cudaError_t stem(const ConvGeometry& g, const StemVariant& variant, int x_zero_point, const int8_t* x,
                 const int8_t* filter, const Epilogue& epilogue, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
