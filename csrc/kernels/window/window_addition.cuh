// From a residual, or a constant of each channel, to what window.h's kernels add.
#pragma once

#include "kernels/elementwise/add.cuh"
#include "kernels/epilogue/residual.h"
#include "kernels/window/window_task.cuh"

namespace qudnn::kernels {

inline WindowAddition float_addition_of(const Residual& residual) {
    const BinaryScales& s = residual.scales;
    return {.r = residual.r,
            .of_result = 0,
            .of_r = s.b_scale,
            .f = 0,
            .least = -IntegerDivisor::kMostQuotient * s.y_scale,
            .most = IntegerDivisor::kMostQuotient * s.y_scale,
            .result_origin = 0,
            .r_origin = byte_origin(s.b_zero_point),
            .unsigned_ = false,
            .result_first = false,
            .in_float = true,
            .scale = IntegerDivisor(s.y_scale)};
}

inline WindowAddition addition_of(const Residual& residual, const Epilogue& e) {
    if (residual.in_float) return float_addition_of(residual);
    const Add add(residual.scales);
    const bool first = residual.y_first;
    return {.r = residual.r,
            .of_result = first ? add.ra : add.rb,
            .of_r = first ? add.rb : add.ra,
            .f = add.f,
            .least = static_cast<float>(e.low - e.zero_point),
            .most = static_cast<float>(e.high - e.zero_point),
            .result_origin = static_cast<float>(e.zero_point + residual.scales.offset) - kRoundingShift,
            .r_origin = add.origin,
            .unsigned_ = residual.scales.offset == 128,
            .result_first = first};
}

}  // namespace qudnn::kernels
