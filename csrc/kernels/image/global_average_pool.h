// int8 global average pool with the bits of QLinearGlobalAveragePool.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace qudnn::kernels {

// x [n,hw,c] -> y [n,c]; dense int8. y = saturate(rint(float(sum(x) - x_zero_point * hw) * scale) +
// y_zero_point), scale = x_scale / (y_scale * float(hw)) as two float32 operations.
cudaError_t global_average_pool(int64_t n, int64_t hw, int64_t c, float x_scale, int x_zero_point,
                                float y_scale, int y_zero_point, const int8_t* x, int8_t* y,
                                cudaStream_t stream);

}  // namespace qudnn::kernels
