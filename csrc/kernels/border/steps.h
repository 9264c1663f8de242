// An entry that computes a step function of float32 numbers.
#pragma once

#include "kernels/border/border.h"

namespace qudnn::kernels {

constexpr int kMostThresholds = 4095;

// thresholds: [count], ascending. values: [count + 2].
struct StepFunction {
    int count;  // from 1 to kMostThresholds
    const float* thresholds;
    const int8_t* values;
};

// values[the number of thresholds that are not above x], of NaN the last one. Fill: zero_point.
cudaError_t steps_to_island(const BorderGeometry& g, const StepFunction& steps, int zero_point,
                            const float* x, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
