// Parameters of a matmul's columns: a value for each, or one for all of them.
#pragma once

#include <cstdint>

namespace qudnn::kernels {

// On the GPU. step: 1 where each column has a value, 0 where they share one.
template <class T>
struct ColumnValues {
    const T* values = nullptr;
    int step = 0;
};

// How both operands of a matmul were quantized, where that is found at run time: one of each, on the GPU.
struct FoundQuantization {
    const int32_t* a_zero_point = nullptr;
    const int32_t* b_zero_point = nullptr;
    const float* a_scale = nullptr;
    const float* b_scale = nullptr;
};

// The steps of an epilogue's vectors.
struct ColumnSteps {
    int bias = 1, multiplier = 1, addend = 1;
};

}  // namespace qudnn::kernels
