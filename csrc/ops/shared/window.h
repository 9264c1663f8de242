// The arithmetic of sliding windows.
#pragma once

#include <cstdint>

#include "bounds.h"
#include "ort/inference_context.h"

namespace qudnn::ops {

// The number of windows of `taps` taps, `dilation` apart, that fit at steps of `stride` into an extent and
// the padding before and after it. ceil_mode counts a last, partial window that still begins inside the image
// or the padding before it. Throws std::invalid_argument where a number is no extent, so that no sum or
// product of them overflows.
inline int64_t window_count(int64_t extent, int64_t before, int64_t after, int64_t taps, int64_t stride,
                            int64_t dilation, bool ceil_mode = false) {
    for (const int64_t size : {extent, before, after}) require_within("an extent or padding", size, 0);
    for (const int64_t size : {taps, stride, dilation})
        require_within("a kernel, stride or dilation", size, 1);
    const int64_t room = extent + before + after - (dilation * (taps - 1) + 1);
    if (room < 0) return 0;
    int64_t count = (ceil_mode ? room + stride - 1 : room) / stride + 1;
    if (ceil_mode && (count - 1) * stride >= extent + before) --count;
    return count;
}

inline ort::Dim window_dim(const ort::Dim& extent, int64_t before, int64_t after, int64_t taps,
                           int64_t stride, int64_t dilation, bool ceil_mode = false) {
    if (extent.extent < 0) return {};
    return ort::Dim::of(window_count(extent.extent, before, after, taps, stride, dilation, ceil_mode));
}

}  // namespace qudnn::ops
