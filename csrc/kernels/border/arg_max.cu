#include "kernels/border/arg_max.h"

#include "kernels/common/common.cuh"

namespace qudnn::kernels {
namespace {

constexpr int64_t kFew = 64;  // channels that one thread reads

// The value above, the place below, so that the greatest key has the place that is wanted. invert: the bits
// of a value, of which the least is then the greatest.
__device__ uint32_t key_of(int8_t value, int64_t place, uint32_t invert, uint32_t places) {
    const uint32_t ordered = (static_cast<uint8_t>(value) ^ invert) & 255u;
    return ordered << 24 | (static_cast<uint32_t>(place) ^ places);
}

// kLanes threads for each row.
template <int kLanes>
__global__ void __launch_bounds__(kThreads)
    arg_max_of_rows(ArgMax g, uint32_t invert, uint32_t places, const int8_t* __restrict__ x,
                    int64_t* __restrict__ y) {
    constexpr int kRows = kThreads / kLanes;
    const int lane = static_cast<int>(threadIdx.x) % kLanes;
    for (int64_t first = int64_t{blockIdx.x} * kRows; first < g.rows; first += int64_t{gridDim.x} * kRows) {
        const int64_t row = first + threadIdx.x / kLanes;
        uint32_t best = 0;
        if (row < g.rows) {
            const int8_t* source = x + row * g.stride;
#pragma unroll 4
            for (int64_t c = lane; c < g.channels; c += kLanes)
                best = max(best, key_of(source[c], c, invert, places));
        }
#pragma unroll
        for (int other = kLanes / 2; other > 0; other /= 2)
            best = max(best, __shfl_xor_sync(~0u, best, other));
        if (row < g.rows && lane == 0) y[row] = (best ^ places) & 0xFFFFFFu;
    }
}

}  // namespace

cudaError_t arg_max(const ArgMax& g, const int8_t* x, int64_t* y, cudaStream_t stream) {
    if (g.rows == 0) return cudaSuccess;
    const uint32_t invert = g.least ? 0x7Fu : 0x80u;
    const uint32_t places = g.last ? 0 : 0xFFFFFFu;
    if (g.channels <= kFew)
        return launch(arg_max_of_rows<1>, ceil_div(g.rows, kThreads), kThreads, stream, g, invert, places, x,
                      y);
    return launch(arg_max_of_rows<32>, ceil_div(g.rows, kThreads / 32), kThreads, stream, g, invert, places,
                  x, y);
}

}  // namespace qudnn::kernels
