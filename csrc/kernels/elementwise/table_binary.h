// Sum, product and quotient of two functions of a quantized tensor each in float32, quantized again.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/common/broadcast.h"
#include "kernels/elementwise/float_binary.h"

namespace qudnn::kernels {

// A function from int8 to float32. values: [256], or per_channel [channels,256], on the GPU.
struct FloatTable {
    const float* values;
    bool per_channel;
};

// Scales of what is quantized, on the GPU. values: [1], or per_channel [channels].
struct ResultScale {
    const float* values;
    bool per_channel;
};

// How results are quantized. channels: the last dimension of y.
struct TableBinary {
    int64_t channels;
    ResultScale y_scale;
    int y_zero_point;
    Limits limits;
};

// The float32 steps, for op +, * or /; c: the channel of y's element:
//   real = a_table[c, a + 128] op b_table[c, b + 128]
//   y = rint(clamp(real / y_scale[c], -128 - y_zero_point, 127 - y_zero_point)) + y_zero_point, then into
//   limits
cudaError_t table_add(const Broadcast<2>& g, const TableBinary& formula, FloatTable a_table,
                      FloatTable b_table, const int8_t* a, const int8_t* b, int8_t* y, cudaStream_t stream);
cudaError_t table_mul(const Broadcast<2>& g, const TableBinary& formula, FloatTable a_table,
                      FloatTable b_table, const int8_t* a, const int8_t* b, int8_t* y, cudaStream_t stream);
cudaError_t table_div(const Broadcast<2>& g, const TableBinary& formula, FloatTable a_table,
                      FloatTable b_table, const int8_t* a, const int8_t* b, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
