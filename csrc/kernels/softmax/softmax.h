// Quantized softmax over the last dimension with the bits of QLinearSoftmax.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

namespace qudnn::kernels {

// What does not depend on x; computed once, on the host.
struct SoftmaxConstants {
    // exps[255 - d]: the exponential of a value d quanta below its row's maximum, times a factor that
    // keeps sums of `channels` of them finite.
    float exps[256];
    float inverse_scale;  // floor(1 / y_scale)
    int y_zero_point;
    bool is_uint8;
    int64_t channels;
};

SoftmaxConstants softmax_constants(int64_t channels, float x_scale, float y_scale, int y_zero_point,
                                   bool is_uint8);

// x, y [rows, stride] int8 as an island holds them. The softmax is over the first `channels` of each row; the
// rest is copied. The float32 steps, the sum in order:
//   sum = sum(exps[255 - (max - x)]),  y = saturate(int(rint((exps[..] * inverse_scale) / sum)) +
//   y_zero_point)
cudaError_t softmax(int64_t rows, int64_t stride, const SoftmaxConstants& constants, const int8_t* x,
                    int8_t* y, cudaStream_t stream);

// Why it runs row by row instead of by tiles of rows in shared memory, which is faster; empty where it does
// not.
std::string softmax_tiles_refusal(int64_t stride, const SoftmaxConstants& constants);

}  // namespace qudnn::kernels
