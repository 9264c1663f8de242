#include "kernels/gemm/batch_matmul.h"

#include <type_traits>

#include "kernels/common/common.cuh"
#include "kernels/gemm/column_parameters.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kSide = 64;          // of the tile of Y that a block computes
constexpr int kDepth = 32;         // values of the summed dimension at a time
constexpr int kPitch = kSide + 4;  // keeps vectors of four aligned

// Where the block's tile is.
struct Place {
    int64_t row, column, a, b, y;
};

__device__ Place locate(const BatchMatMulGeometry& g, int64_t tile) {
    const int64_t columns = (g.width + kSide - 1) / kSide, rows = (g.m + kSide - 1) / kSide;
    Place place{tile / columns % rows * kSide, tile % columns * kSide, 0, 0, 0};
    int64_t matrix = tile / columns / rows;
    for (int i = BatchMatMulGeometry::kBatchRank - 1; i >= 0; --i) {
        const int64_t at = matrix % g.batch[i];
        matrix /= g.batch[i];
        place.a += at * g.a_stride[i], place.b += at * g.b_stride[i], place.y += at * g.y_stride[i];
    }
    return place;
}

template <class Y>
__device__ Y finish(int32_t acc, int64_t index, const BatchMatMulEpilogue& e, const OutputRange& range) {
    if constexpr (std::is_same_v<Y, int32_t>) {
        return acc;
    } else {
        const ColumnParameters column = column_parameters<Y>(e, index);
        const int32_t sum = wrapping_add(acc, column.bias);
        if constexpr (std::is_same_v<Y, float>)
            return plus(multiply(__int2float_rn(sum), column.multiplier), column.addend);
        else
            return static_cast<Y>(requantize(sum, column.multiplier, range));
    }
}

// Each thread computes 4 x 4 results. Zero points are subtracted before the multiplication.
template <class Y>
__global__ void __launch_bounds__(kThreads)
    batch_matmul_kernel(BatchMatMulGeometry g, int64_t tiles, const int8_t* __restrict__ a,
                        const int8_t* __restrict__ b, BatchMatMulEpilogue e, OutputRange range,
                        Y* __restrict__ y) {
    __shared__ __align__(16) int a_values[kDepth][kPitch], b_values[kDepth][kPitch];
    const int thread_row = threadIdx.x / 16 * 4, thread_column = threadIdx.x % 16 * 4;
    const int32_t a_zero_point = zero_point_of_a(e);
    for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        const Place place = locate(g, tile);
        uint32_t acc[4][4] = {};
        for (int64_t first = 0; first < g.k; first += kDepth) {
            __syncthreads();
            for (int i = threadIdx.x; i < kSide * kDepth; i += kThreads) {
                // Neighbouring threads read neighbouring bytes.
                const int row = i / kDepth, depth = i % kDepth;
                const bool valid = place.row + row < g.m && first + depth < g.k;
                const int64_t where = place.a + (place.row + row) * g.a_stride[3] + first + depth;
                a_values[depth][row] = valid ? a[where] - a_zero_point : 0;
            }
            for (int i = threadIdx.x; i < kSide * kDepth; i += kThreads) {
                const int side = g.b_transposed ? i / kDepth : i % kSide;
                const int depth = g.b_transposed ? i % kDepth : i / kSide;
                const int64_t column = place.column + side, k = first + depth;
                int value = 0;
                if (column < g.n && k < g.k) {
                    const int64_t where =
                        g.b_transposed ? column * g.b_stride[3] + k : k * g.b_stride[3] + column;
                    value = b[place.b + where] - zero_point_of_b(e, column);
                }
                b_values[depth][side] = value;
            }
            __syncthreads();
#pragma unroll 8
            for (int depth = 0; depth < kDepth; ++depth) {
                const int4 rows = *reinterpret_cast<const int4*>(&a_values[depth][thread_row]);
                const int4 columns = *reinterpret_cast<const int4*>(&b_values[depth][thread_column]);
                const int as[4] = {rows.x, rows.y, rows.z, rows.w};
                const int bs[4] = {columns.x, columns.y, columns.z, columns.w};
#pragma unroll
                for (int i = 0; i < 16; ++i)
                    acc[i / 4][i % 4] += static_cast<uint32_t>(as[i / 4] * bs[i % 4]);
            }
        }
#pragma unroll
        for (int i = 0; i < 16; ++i) {
            const int64_t row = place.row + thread_row + i / 4, column = place.column + thread_column + i % 4;
            if (row >= g.m || column >= g.width) continue;
            y[place.y + row * g.y_stride[3] + column] =
                column < g.n ? finish<Y>(static_cast<int32_t>(acc[i / 4][i % 4]), column, e, range) : Y{};
        }
    }
}

}  // namespace

template <class Y>
cudaError_t batch_matmul(const BatchMatMulGeometry& g, const int8_t* a, const int8_t* b,
                         const BatchMatMulEpilogue& epilogue, Y* y, cudaStream_t stream) {
    const int64_t tiles =
        g.batch[0] * g.batch[1] * g.batch[2] * ceil_div(g.m, kSide) * ceil_div(g.width, kSide);
    if (tiles == 0) return cudaSuccess;
    return launch(batch_matmul_kernel<Y>, tiles, kThreads, stream, g, tiles, a, b, epilogue,
                  OutputRange(epilogue.zero_point, epilogue.low, epilogue.high), y);
}

template cudaError_t batch_matmul(const BatchMatMulGeometry&, const int8_t*, const int8_t*,
                                  const BatchMatMulEpilogue&, int8_t*, cudaStream_t);
template cudaError_t batch_matmul(const BatchMatMulGeometry&, const int8_t*, const int8_t*,
                                  const BatchMatMulEpilogue&, float*, cudaStream_t);
template cudaError_t batch_matmul(const BatchMatMulGeometry&, const int8_t*, const int8_t*,
                                  const BatchMatMulEpilogue&, int32_t*, cudaStream_t);

}  // namespace qudnn::kernels
