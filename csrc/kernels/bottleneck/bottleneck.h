// The three convolutions of a residual block and the addition behind them, in one kernel:
// 1x1 -> 3x3 -> 1x1 + residual. Its results are those of QConv, QConv and QConvAdd or QConvFloatAdd to the
// bit.
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/common/kept_maps.h"
#include "kernels/conv/conv_step.h"
#include "kernels/epilogue/residual.h"

namespace qudnn::kernels {

// x [n,h,w,c], then [n,h,w,m], then [n,p,q,m], y and residual [n,p,q,k]. The window has one pixel of padding
// on each side; its stride is 1 or 2.
struct Bottleneck {
    int64_t n, h, w, c, m, k, stride = 1;

    int64_t p() const { return (h - 1) / stride + 1; }
    int64_t q() const { return (w - 1) / stride + 1; }
    auto operator<=>(const Bottleneck&) const = default;
};

// How the work is cut: a cluster of m / columns blocks computes so many lines of an image of y.
struct BottleneckVariant {
    int lines;
    int columns;   // of the m channels that a block computes
    int width;     // channels of x at a time
    int resident;  // blocks that may share a multiprocessor

    bool operator==(const BottleneckVariant&) const = default;
};

// Those that the current GPU can run, the one likely to be the fastest first.
std::vector<BottleneckVariant> bottleneck_variants(const Bottleneck& b);

// Why there is no variant; empty if there is one.
std::string bottleneck_refusal(const Bottleneck& b);

// Runs the first variant, or the given one, with filters [m,1,1,c], [m,3,3,m] and [k,1,1,m].
// window_zero_point: what the window's padding counts as. Pointers are aligned to 16 bytes. kept: null, or
// the caller's.
cudaError_t bottleneck(const Bottleneck& b, const int8_t* x, const std::array<ConvStep, 3>& steps,
                       int window_zero_point, const Residual& residual, int8_t* y, KeptMaps* kept,
                       cudaStream_t stream, const BottleneckVariant* variant = nullptr);

}  // namespace qudnn::kernels
