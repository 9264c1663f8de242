// What native engines share.
#pragma once

#include "kernels/conv/conv.h"
#include "plan/cuda_error.h"
#include "plan/problem.h"

namespace qudnn::engines {

inline kernels::ConvGeometry geometry(const plan::ConvProblem& c) {
    return {.n = c.n,
            .h = c.h,
            .w = c.w,
            .c = c.c,
            .k = c.k,
            .r = c.r,
            .s = c.s,
            .p = c.p,
            .q = c.q,
            .pad_top = c.pad_top,
            .pad_left = c.pad_left,
            .stride_h = c.stride_h,
            .stride_w = c.stride_w,
            .dilation_h = c.dilation_h,
            .dilation_w = c.dilation_w,
            .group = c.group,
            .y_padding = c.y_padding,
            .d = c.d,
            .t = c.t,
            .z = c.z,
            .pad_front = c.pad_front,
            .stride_d = c.stride_d,
            .dilation_d = c.dilation_d};
}

// What run(y) returns, where y points to results of the type.
template <class Run>
cudaError_t with_results(plan::DataType type, void* y, const Run& run) {
    switch (type) {
        case plan::DataType::int8:
            return run(static_cast<int8_t*>(y));
        case plan::DataType::int32:
            return run(static_cast<int32_t*>(y));
        case plan::DataType::float32:
            return run(static_cast<float*>(y));
    }
    return cudaErrorInvalidValue;
}

}  // namespace qudnn::engines
