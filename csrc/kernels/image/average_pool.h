// Average pool with the bits of QLinearAveragePool, channels-last.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/image/max_pool.h"

namespace qudnn::kernels {

// x and y are int8 as an island holds them; the arithmetic sees x + offset (128 for uint8 tensors, 0 for
// int8 ones), to which the zero points belong. The float32 steps, the sum in raster order:
//   mean = sum(x_scale * float(x - x_zero_point)) / float(count)
//   y    = saturate(rint(mean / y_scale + float(y_zero_point))) - offset
// count is the number of the window's pixels inside the image, or of all its pixels with count_padding.
struct AverageScales {
    float x_scale, y_scale;
    int x_zero_point, y_zero_point;
    int offset;
    bool count_padding;
};

// Dilations are ignored.
cudaError_t average_pool(const PoolGeometry& g, const AverageScales& scales, const int8_t* x, int8_t* y,
                         cudaStream_t stream);

}  // namespace qudnn::kernels
