// The first convolution of an image network, on tensor cores: 4 channels in, filters of up to 8 x 8.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/conv/conv.h"

namespace qudnn::kernels {

// The partition of the work: a warp holds the filters of `columns` output channels in registers and loops
// over tiles of `rows` x 16 output pixels.
struct StemVariant {
    int kernel;  // its number in the table of kernels
    int columns;
    int rows;
    int warps;   // per block
    int blocks;  // as many as the GPU runs at once, at most one per tile
};

// Why the kernel does not take it on the current GPU; empty if it does. It needs c = 4, k a multiple of 16,
// r, s and strides of at most 8, one group, no dilation.
std::string stem_refusal(const ConvGeometry& g);

// The variants on the current GPU, the one expected to be fastest first. Empty if it is refused, or if a tile
// does not fit shared memory. looks_up: the epilogue has a table.
std::vector<StemVariant> stem_variants(const ConvGeometry& g, bool looks_up);

// As conv() of kernels/conv/conv.h. All pointers are multiples of 16.
cudaError_t stem(const ConvGeometry& g, const StemVariant& variant, int x_zero_point, const int8_t* x,
                 const int8_t* filter, const Epilogue& epilogue, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
