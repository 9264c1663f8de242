// An exit that computes a function of each element in float32.
#pragma once

#include "kernels/border/border.h"
#include "kernels/elementwise/table_binary.h"

namespace qudnn::kernels {

// table[c, x + 128]; c: the coordinate along the last dimension inside.
cudaError_t table_from_island(const BorderGeometry& g, FloatTable table, const int8_t* x, float* y,
                              cudaStream_t stream);

}  // namespace qudnn::kernels
