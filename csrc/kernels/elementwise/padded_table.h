// Lookup of images into a tensor that has padding around them.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/common/output_padding.h"

namespace qudnn::kernels {

// x [n,h,w,c], y [n,h,w,c] within y_padding of y_zero_point; dense int8.
struct PaddedTableGeometry {
    int64_t n, h, w, c;
    OutputPadding y_padding;
    int y_zero_point;
};

// y = table[x + 128]; table [256], or with per_channel [c,256]: the channel's.
cudaError_t padded_table(const PaddedTableGeometry& g, bool per_channel, const int8_t* table, const int8_t* x,
                         int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
