#include "kernels/softmax/masked_softmax.h"

#include "kernels/softmax/masked_softmax.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kWarps = 4;  // a row each

template <int kWords>
__global__ void __launch_bounds__(kWarps * 32)
    masked_softmax_kernel(const __grid_constant__ MaskedSoftmax k, const int8_t* __restrict__ x,
                          const float* __restrict__ mask, int8_t* __restrict__ y) {
    for (int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32; row < k.rows;
         row += int64_t{gridDim.x} * kWarps)
        masked_softmax_of_rows<kWords, 1>(k, {{x + row * k.x_stride},
                                              {k.at(mask, k.mask_row(static_cast<uint32_t>(row)))},
                                              {y + row * k.y_stride},
                                              1});
}

}  // namespace

cudaError_t masked_softmax(const MaskedSoftmaxGeometry& g, const MaskedSoftmaxScales& s, const int8_t* x,
                           const float* mask, int8_t* y, cudaStream_t stream) {
    const int64_t rows = g.rows.count();
    if (rows * g.channels == 0) return cudaSuccess;
    if (!narrow(g)) return cudaErrorInvalidValue;
    const MaskedSoftmax k = masked_softmax_rows(g, s, x, mask, y);
    const auto kernel = g.y_stride <= 128   ? masked_softmax_kernel<1>
                        : g.y_stride <= 256 ? masked_softmax_kernel<2>
                        : g.y_stride <= 384 ? masked_softmax_kernel<3>
                        : g.y_stride <= 512 ? masked_softmax_kernel<4>
                                            : masked_softmax_kernel<8>;
    return launch(kernel, ceil_div(rows, kWarps), kWarps * 32, stream, k, x, mask, y);
}

}  // namespace qudnn::kernels
