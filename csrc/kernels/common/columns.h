// Parameters of a matmul's columns: a value for each, or one for all of them.
#pragma once

namespace qudnn::kernels {

// On the GPU. step: 1 where each column has a value, 0 where they share one.
template <class T>
struct ColumnValues {
    const T* values = nullptr;
    int step = 0;
};

// The steps of an epilogue's vectors.
struct ColumnSteps {
    int bias = 1, multiplier = 1, addend = 1;
};

}  // namespace qudnn::kernels
