// Batched int8 matmul of two computed tensors, with zero points on both sides: any size, stride and
// alignment, exact, nothing clever.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/common/columns.h"

namespace qudnn::kernels {

// Y = A * B for each matrix of a batch: A [m,k], B [k,n], Y [m,n]. Strides are in elements: those of the
// batch's dimensions, outermost first, 0 where a matrix serves several matmuls, then the leading dimension.
// Rows are dense; with b_transposed the rows of b are B's columns.
struct BatchMatMulGeometry {
    static constexpr int kBatchRank = 3;

    int64_t batch[kBatchRank];
    int64_t m, n, k;
    int64_t a_stride[kBatchRank + 1], b_stride[kBatchRank + 1], y_stride[kBatchRank + 1];
    bool b_transposed;
    int64_t width;  // of y's rows: what lies beyond n is set to 0
};

// acc = sum((A - a_zero_point) * (B - b_zero_point[n])) + bias[n], int32, wrapping. The epilogue depends on
// Y's type:
//   int8     clamp(rint(float(acc) * multiplier[n]) + zero_point, low, high), half to even
//   float32  float(acc) * multiplier[n] + addend[n], one rounding after each operation
//   int32    acc, without a bias
// found, where it is given, stands for zero points and multiplier (a_scale * b_scale), without bias and
// addend; of float32 results only.
// zero_points of the columns are for mma_matmul() alone: see Epilogue.
struct BatchMatMulEpilogue {
    int a_zero_point = 0;
    ColumnValues<int8_t> b_zero_point;
    ColumnValues<int32_t> bias;
    ColumnValues<float> multiplier;
    ColumnValues<float> addend;
    FoundQuantization found;
    int zero_point = 0, low = -128, high = 127;
    const float* zero_points = nullptr;
};

// y is int8_t, float or int32_t. k may be 0.
template <class Y>
cudaError_t batch_matmul(const BatchMatMulGeometry& g, const int8_t* a, const int8_t* b,
                         const BatchMatMulEpilogue& epilogue, Y* y, cudaStream_t stream);

}  // namespace qudnn::kernels
