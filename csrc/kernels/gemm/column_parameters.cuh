// What the epilogue of a batched matmul reads for a column, given with the launch or found at run time.
#pragma once

#include <type_traits>

#include "kernels/common/common.cuh"
#include "kernels/gemm/batch_matmul.h"

namespace qudnn::kernels {

// 0 what results of the type do not need.
struct ColumnParameters {
    int32_t bias = 0;
    float multiplier = 0;
    float addend = 0;
};

template <class T>
__device__ __forceinline__ T value_of(const ColumnValues<T>& column_values, int64_t column) {
    return column_values.values[column * column_values.step];
}

__device__ __forceinline__ bool is_found(const BatchMatMulEpilogue& e) { return e.found.a_scale != nullptr; }

__device__ __forceinline__ int32_t zero_point_of_a(const BatchMatMulEpilogue& e) {
    return is_found(e) ? *e.found.a_zero_point : e.a_zero_point;
}

// A null b_zero_point counts as 0.
__device__ __forceinline__ int32_t zero_point_of_b(const BatchMatMulEpilogue& e, int64_t column) {
    if (is_found(e)) return *e.found.b_zero_point;
    return e.b_zero_point.values == nullptr ? 0 : value_of(e.b_zero_point, column);
}

template <class Y>
__device__ __forceinline__ ColumnParameters column_parameters(const BatchMatMulEpilogue& e, int64_t column) {
    if constexpr (std::is_same_v<Y, int32_t>) {
        return {};
    } else if constexpr (std::is_same_v<Y, float>) {
        if (is_found(e)) return {0, multiply(*e.found.a_scale, *e.found.b_scale), -0.0f};
        return {value_of(e.bias, column), value_of(e.multiplier, column), value_of(e.addend, column)};
    } else {
        return {value_of(e.bias, column), value_of(e.multiplier, column), 0};
    }
}

}  // namespace qudnn::kernels
