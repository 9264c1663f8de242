// The tensor maps of window.h's kernel, for TMA, made on the host.
#pragma once

#include "kernels/common/kept_maps.h"
#include "kernels/common/tensor_maps.cuh"
#include "kernels/window/window_cut.cuh"

namespace qudnn::kernels {

using EncodeIm2col = PFN_cuTensorMapEncodeIm2col_v12000;

inline EncodeIm2col im2col_encoder() {
    static const auto found = driver_function<EncodeIm2col>("cuTensorMapEncodeIm2col");
    return found;
}

// `rows` pixels of all images, one after the other, as a tap reads them.
inline bool encode_im2col(CUtensorMap& map, const int8_t* x, const ConvGeometry& g, int rows, int width) {
    const auto wide = [](int64_t value) { return static_cast<cuuint64_t>(value); };
    const std::array<cuuint64_t, 4> extents{wide(g.c), wide(g.w), wide(g.h), wide(g.n)};
    const std::array<cuuint64_t, 3> strides{wide(g.c), wide(g.w * g.c), wide(g.h * g.w * g.c)};
    const std::array<cuuint32_t, 4> steps{1, static_cast<cuuint32_t>(g.stride_w),
                                          static_cast<cuuint32_t>(g.stride_h), 1};
    const Im2colBox box(g);
    maps_made.fetch_add(1, std::memory_order_relaxed);
    return im2col_encoder()(&map, CU_TENSOR_MAP_DATA_TYPE_UINT8, 4, const_cast<int8_t*>(x), extents.data(),
                            strides.data(), box.lower.data(), box.upper.data(),
                            static_cast<cuuint32_t>(width), static_cast<cuuint32_t>(rows), steps.data(),
                            CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle(width), CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
                            CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

// Of x: one for each phase.
inline bool encode_x(WindowMaps& maps, const ConvGeometry& g, const WindowCut& cut,
                     const WindowKernel& kernel, const int8_t* x) {
    const Window& w = cut.window;
    for (int i = 0; i < kMaxPhases; ++i) {
        if (i >= w.phases) {
            maps.x[i] = maps.x[0];
            continue;
        }
        bool good;
        if (w.im2col) {
            good = encode_im2col(maps.x[i], x, g, kernel.rows, w.width);
        } else if (w.flat) {
            good = encode<4>(maps.x[i], x, {g.c, cut.rows, 1, 1}, {g.c, cut.rows * g.c, cut.rows * g.c},
                             {w.width, kernel.rows, 1, 1}, w.width);
        } else {
            const auto [line, column] = cut.origin[i];
            // A phase's image that no window reaches has no taps.
            const int64_t lines = ceil_div(g.h - line, g.stride_h),
                          columns = ceil_div(g.w - column, g.stride_w);
            if (lines < 1 || columns < 1) return false;
            good = encode<4>(maps.x[i], x + (line * g.w + column) * g.c, {g.c, columns, lines, g.n},
                             {g.stride_w * g.c, g.stride_h * g.w * g.c, g.h * g.w * g.c},
                             {w.width, cut.pitch, 1, 1}, w.width);
        }
        if (!good) return false;
    }
    return true;
}

inline bool encode_filter(WindowMaps& maps, const ConvGeometry& g, const WindowCut& cut,
                          const WindowKernel& kernel, const int8_t* filter) {
    const int64_t depth = g.r * g.s * g.c, group = kernel.lane_group;
    return encode<5>(maps.w, filter, {depth, 2, 4, group / 8, ceil_div(g.k, group)},
                     {depth, group / 4 * depth, 2 * depth, group * depth},
                     {cut.window.width, 2, 4, group / 8, kernel.columns / group}, cut.window.width);
}

// Of the residual, or of the results, which leave by warps: 16 rows of one group of columns.
inline bool encode_flat(CUtensorMap& map, const ConvGeometry& g, const WindowCut& cut,
                        const WindowKernel& kernel, const int8_t* tensor, bool by_warps) {
    const int64_t group = kernel.lane_group;
    const std::array<int64_t, 4> extents{group, cut.rows, g.k / group, 1};
    const std::array<int64_t, 3> strides{g.k, group, g.k};
    if (by_warps) return encode<4>(map, tensor, extents, strides, {group, 16, 1, 1}, 0);
    return encode<4>(map, tensor, extents, strides, {group, kernel.rows, kernel.columns / group, 1}, 0);
}

// The maps of these tensors, where r is null if there is no residual; false if they cannot be made.
inline bool find_maps(LaunchMaps<WindowMaps>& maps, const ConvGeometry& g, const WindowCut& cut,
                      const WindowKernel& kernel, const int8_t* x, const int8_t* filter, const int8_t* r,
                      int8_t* y, uint64_t number, KeptMaps* kept) {
    if (r == nullptr) r = y;
    KeptMaps::Tensors tensors{x, filter};
    if (cut.flat_results) tensors[2] = r, tensors[3] = y;  // there are maps of them
    return maps.find(number, tensors, kept, [&](WindowMaps& made, const KeptMaps::Tensors& known) {
        return (known[0] == x || encode_x(made, g, cut, kernel, x)) &&
               (known[1] == filter || encode_filter(made, g, cut, kernel, filter)) &&
               (known[2] == tensors[2] || encode_flat(made.r, g, cut, kernel, r, false)) &&
               (known[3] == tensors[3] || encode_flat(made.y, g, cut, kernel, y, true));
    });
}

}  // namespace qudnn::kernels
