// Any function of int8, as a table.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/epilogue/residual.h"

namespace qudnn::kernels {

// y[i] = table[x[i] + 128]; table has 256 values, on the GPU. y may be x.
cudaError_t table(int64_t count, const int8_t* table, const int8_t* x, int8_t* y, cudaStream_t stream);

// y[i, k] = table[k, x[i, k] + 128]; x and y have `rows` rows of c channels, table c rows of 256 values. y
// may be x.
cudaError_t channel_table(int64_t rows, int64_t c, const int8_t* table, const int8_t* x, int8_t* y,
                          cudaStream_t stream);

// The same, and the sum with a residual of x's shape, neither per_channel nor in_float. What was looked up is
// the "result" of residual.h.
cudaError_t channel_table_add(int64_t rows, int64_t c, const int8_t* table, const int8_t* x,
                              const Residual& residual, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
