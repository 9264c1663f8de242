// The choice between two tensors, element by element.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/common/broadcast.h"

namespace qudnn::kernels {

// z = condition ? x : y, the operands of g in this order. A condition is a byte, 0 or 1.
cudaError_t where(const Broadcast<3>& g, const bool* condition, const int8_t* x, const int8_t* y, int8_t* z,
                  cudaStream_t stream);

}  // namespace qudnn::kernels
