// Pools of volumes: int8, channels-last. Each is the pool of images with one more dimension.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/image/average_pool.h"

namespace qudnn::kernels {

// x [n,d,h,w,c], y [n,z,p,q,c], windows of [t,r,s]; all dense int8.
struct VolumeGeometry {
    int64_t n, d, h, w, c;
    int64_t z, p, q;
    int64_t t, r, s;
    int64_t pad_front, pad_top, pad_left;
    int64_t stride_d, stride_h, stride_w;
    int64_t dilation_d, dilation_h, dilation_w;
};

// Padding does not take part in the maximum.
cudaError_t max_pool3d(const VolumeGeometry& g, const int8_t* x, int8_t* y, cudaStream_t stream);

// The sum runs in raster order: slices, rows, columns. Dilations are ignored.
cudaError_t average_pool3d(const VolumeGeometry& g, const AverageScales& scales, const int8_t* x, int8_t* y,
                           cudaStream_t stream);

}  // namespace qudnn::kernels
