// DepthToSpace: blocks of channels become blocks of pixels, channels-last.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace qudnn::kernels {

// x [n,h,w,block*block*c] -> y [n,p,q,c], dense int8:
//   y[n, i, j, k] = x[n, I / block, J / block, (I % block * block + J % block) * c + k],
//   I = i + top, J = j + left
struct DepthToSpaceGeometry {
    int64_t n, h, w, c;  // c: the result's
    int64_t p, q;
    int64_t block;
    int64_t top, left;  // rows and columns to crop at the front of the full result
};

cudaError_t depth_to_space(const DepthToSpaceGeometry& g, const int8_t* x, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
