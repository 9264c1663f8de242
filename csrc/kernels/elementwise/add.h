// Quantized addition with the bits of QLinearAdd.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/common/broadcast.h"
#include "kernels/elementwise/binary.h"
#include "kernels/epilogue/residual.h"

namespace qudnn::kernels {

// The float32 steps:
//   f = float(y_zero_point) - fma(a_zero_point, ra, rb * b_zero_point),  ra = a_scale / y_scale, rb alike
//   y = saturate(rint(fma(a, ra, fma(b, rb, f)))) - offset
cudaError_t add(const Broadcast<2>& g, const BinaryScales& scales, const int8_t* a, const int8_t* b,
                int8_t* y, cudaStream_t stream);

// Whether all sums lie within -2^21 and 2^21 before rounding.
bool sums_are_moderate(const BinaryScales& scales);

// Adds the residual to y, in place; y has `count` elements in rows of k output channels. With a table, of 256
// values on the GPU, it looks the sums up: y = table[128 + sum]. Without one it is null.
cudaError_t add_residual(int64_t count, int64_t k, const Residual& residual, const int8_t* table, int8_t* y,
                         cudaStream_t stream);

}  // namespace qudnn::kernels
