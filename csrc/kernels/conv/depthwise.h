// Depthwise convolution of a few common sizes, and that in groups of 16 or 32 channels, with int8
// results. cuDNN has no depthwise ones in int8, and takes several times as long for groups.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/conv/conv.h"

namespace qudnn::kernels {

// The partition of the work. On tensor cores (depthwise_tiles.cuh) a block of four warps computes slabs * 16
// channels of a tile of pixels, 4 / slabs warps below each other; otherwise (depthwise.cuh) slabs is 0.
struct DepthwiseVariant {
    int slabs;    // 1, 2, 4
    bool narrow;  // a warp's tile is 8 x 8 pixels, not 4 x 16

    std::string text() const;
};

// Why no kernel takes the convolution on any GPU; empty if one does.
std::string depthwise_refusal(const ConvGeometry& g);

// The variants on the current GPU, the one expected to be fastest first; empty if it is refused. looks_up:
// the epilogue has a table.
std::vector<DepthwiseVariant> depthwise_variants(const ConvGeometry& g, bool looks_up);

// As conv() of kernels/conv/conv.h. All pointers are multiples of 16.
cudaError_t depthwise(const ConvGeometry& g, const DepthwiseVariant& variant, int x_zero_point,
                      const int8_t* x, const int8_t* filter, const Epilogue& epilogue, int8_t* y,
                      cudaStream_t stream);

}  // namespace qudnn::kernels
