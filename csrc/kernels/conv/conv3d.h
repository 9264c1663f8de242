// Direct int8 convolution in three dimensions: any geometry, exact epilogue, nothing clever. It runs what
// cuDNN has no plan for and is what its plans are checked against.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/epilogue/epilogue.h"

namespace qudnn::kernels {

// Channels-last. x [n,d,h,w,c], filter [k,t,r,s,c/group], y [n,z,p,q,k]; all dense int8.
struct Conv3dGeometry {
    int64_t n, d, h, w, c;
    int64_t k, t, r, s;
    int64_t z, p, q;
    int64_t pad_front, pad_top, pad_left;
    int64_t stride_d, stride_h, stride_w;
    int64_t dilation_d, dilation_h, dilation_w;
    int64_t group;
};

// y = epilogue(sum(x * filter)), where a tap outside the volume counts as x_zero_point.
cudaError_t conv3d(const Conv3dGeometry& g, int x_zero_point, const int8_t* x, const int8_t* filter,
                   const Epilogue& epilogue, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
