// int8 max pool, channels-last; padding does not take part in the maximum.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/common/output_padding.h"

namespace qudnn::kernels {

// x [n,h,w,c], y [n,p,q,c] within y_padding; all dense int8.
struct PoolGeometry {
    int64_t n, h, w, c;
    int64_t p, q;
    int64_t r, s;
    int64_t pad_top, pad_left;
    int64_t stride_h, stride_w;
    int64_t dilation_h, dilation_w;
    OutputPadding y_padding = {};
};

// y_zero_point fills y's padding.
cudaError_t max_pool(const PoolGeometry& g, int y_zero_point, const int8_t* x, int8_t* y,
                     cudaStream_t stream);

}  // namespace qudnn::kernels
