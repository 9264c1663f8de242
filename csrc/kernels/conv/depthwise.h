// Depthwise convolution of a few common sizes; cuDNN has none in int8, so these are the production kernels.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/conv/conv.h"

namespace qudnn::kernels {

// How the work is cut. On tensor cores (depthwise_tiles.cuh) a block of four warps computes slabs * 16
// channels of a tile of pixels, 4 / slabs warps below each other; otherwise (depthwise.cuh) slabs is 0.
struct DepthwiseVariant {
    int slabs;    // 1, 2, 4
    bool narrow;  // a warp's tile is 8 x 8 pixels, not 4 x 16

    std::string text() const;
};

// The ways to run it on the current GPU, what is expected to be fastest first; none where there is no kernel,
// as for y with padding.
std::vector<DepthwiseVariant> depthwise_variants(const ConvGeometry& g, const int8_t* x,
                                                 const Epilogue& epilogue, const int8_t* y);

// As conv() of kernels/conv/conv.h.
cudaError_t depthwise(const ConvGeometry& g, const DepthwiseVariant& variant, int x_zero_point,
                      const int8_t* x, const int8_t* filter, const Epilogue& epilogue, int8_t* y,
                      cudaStream_t stream);

}  // namespace qudnn::kernels
