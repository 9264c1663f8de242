#include "kernels/gemm/matmul.h"

#include "kernels/gemm/matmul_epilogues.cuh"
#include "kernels/gemm/tile.cuh"

namespace qudnn::kernels {
namespace {

template <class E, typename Y, bool kWords>
__global__ void __launch_bounds__(kThreads)
    matmul_kernel(int64_t m, int64_t k, int64_t c, const int8_t* __restrict__ x, const int8_t* __restrict__ w,
                  E epilogue, bool store_vectors, Y* __restrict__ y) {
    const int64_t column_tiles = (k + kTile - 1) / kTile, tiles = (m + kTile - 1) / kTile * column_tiles;
    for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        int64_t row = tile / column_tiles * kTile, column = tile % column_tiles * kTile;
        int acc[4][4];
        multiply_tile(c, RowLoader<kWords>(x, m, c, row), RowLoader<kWords>(w, k, c, column), acc);
        store_tile(store_vectors, acc, epilogue, row, m, column, k - column, k, y);
    }
}

constexpr int kFewRows = 8;
constexpr int64_t kMaxRows = 64;  // up to here too few tiles to fill a GPU

// A warp takes one row of w and 8 rows of x. c counts vectors of 16 bytes.
template <class E, typename Y>
__global__ void __launch_bounds__(kThreads)
    few_rows_kernel(int64_t m, int64_t k, int64_t c, const uint4* __restrict__ x, const uint4* __restrict__ w,
                    E epilogue, Y* __restrict__ y) {
    const int lane = threadIdx.x % 32;
    const int64_t warps = int64_t{gridDim.x} * (kThreads / 32), count = (m + kFewRows - 1) / kFewRows * k;
    for (int64_t i = int64_t{blockIdx.x} * (kThreads / 32) + threadIdx.x / 32; i < count; i += warps) {
        const int64_t row = i / k * kFewRows, column = i % k;
        int acc[kFewRows] = {};
        for (int64_t j = lane; j < c; j += 32) {
            const uint4 b = w[column * c + j];
#pragma unroll
            for (int r = 0; r < kFewRows; ++r) {
                if (row + r >= m) break;
                const uint4 a = x[(row + r) * c + j];
                acc[r] = __dp4a(static_cast<int>(a.x), static_cast<int>(b.x), acc[r]);
                acc[r] = __dp4a(static_cast<int>(a.y), static_cast<int>(b.y), acc[r]);
                acc[r] = __dp4a(static_cast<int>(a.z), static_cast<int>(b.z), acc[r]);
                acc[r] = __dp4a(static_cast<int>(a.w), static_cast<int>(b.w), acc[r]);
            }
        }
#pragma unroll
        for (int r = 0; r < kFewRows; ++r) {
            for (int offset = 16; offset > 0; offset /= 2)
                acc[r] += __shfl_xor_sync(0xFFFFFFFFu, acc[r], offset);
            if (lane == r && row + r < m)
                y[(row + r) * k + column] = static_cast<Y>(epilogue.result(acc[r], epilogue.channel(column)));
        }
    }
}

template <class E, typename Y>
cudaError_t matmul_to(int64_t m, int64_t k, int64_t c, const int8_t* x, const int8_t* w, const E& epilogue,
                      Y* y, cudaStream_t stream) {
    if (m * k == 0) return cudaSuccess;
    if (m <= kMaxRows && c % 16 == 0 && aligned(x, 16) && aligned(w, 16))
        return launch(few_rows_kernel<E, Y>, ceil_div(ceil_div(m, kFewRows) * k, kThreads / 32), kThreads,
                      stream, m, k, c / 16, reinterpret_cast<const uint4*>(x),
                      reinterpret_cast<const uint4*>(w), epilogue, y);
    const int64_t tiles = ceil_div(m, kTile) * ceil_div(k, kTile);
    const bool words = c % 4 == 0 && aligned(x, 4) && aligned(w, 4),
               store_vectors = k % 4 == 0 && aligned(y, 4 * sizeof(Y));
    return launch(words ? matmul_kernel<E, Y, true> : matmul_kernel<E, Y, false>, tiles, kThreads, stream, m,
                  k, c, x, w, epilogue, store_vectors, y);
}

}  // namespace

template <typename Y>
cudaError_t matmul(int64_t m, int64_t k, int64_t c, const int8_t* x, const int8_t* w,
                   const Epilogue& epilogue, Y* y, cudaStream_t stream) {
    return with_matmul_epilogue<Y>(epilogue, {},
                                   [&](const auto& end) { return matmul_to(m, k, c, x, w, end, y, stream); });
}

cudaError_t matmul_and_constant(int64_t m, int64_t k, int64_t c, const int8_t* x, const int8_t* w,
                                const Epilogue& epilogue, const Residual& constant, int8_t* y,
                                cudaStream_t stream) {
    if (constant.r == nullptr) return cudaErrorInvalidValue;
    return with_matmul_epilogue<int8_t>(
        epilogue, constant, [&](const auto& end) { return matmul_to(m, k, c, x, w, end, y, stream); });
}

template cudaError_t matmul(int64_t, int64_t, int64_t, const int8_t*, const int8_t*, const Epilogue&, int8_t*,
                            cudaStream_t);
template cudaError_t matmul(int64_t, int64_t, int64_t, const int8_t*, const int8_t*, const Epilogue&, float*,
                            cudaStream_t);
template cudaError_t matmul(int64_t, int64_t, int64_t, const int8_t*, const int8_t*, const Epilogue&,
                            int32_t*, cudaStream_t);

}  // namespace qudnn::kernels
