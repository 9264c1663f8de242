// The kernels of depthwise_tiles.cuh by filter, stride and group.
#pragma once

#include <span>

#include "kernels/conv/depthwise_tiles.cuh"

namespace qudnn::kernels {

struct TilesKernel {
    int size, stride;
    int group;   // channels of a group
    int blocks;  // per multiprocessor
    DepthwiseTilesKernel run;
};

// Those of groups of more than one channel.
std::span<const TilesKernel> grouped_tiles_kernels();

}  // namespace qudnn::kernels
