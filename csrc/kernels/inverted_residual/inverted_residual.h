// The three convolutions of an inverted residual and the addition behind them, in one kernel: 1x1 ->
// depthwise 3x3 -> 1x1 [+ residual]. Its results are those of QConv, QConv and QConv or QConvAdd to the bit.
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/conv/conv_step.h"
#include "kernels/epilogue/residual.h"

namespace qudnn::kernels {

// x [n,h,w,c], then [n,h,w,m], then [n,p,q,m], y and residual [n,p,q,k]. The window has one pixel of padding
// on each side; its stride is 1 or 2.
struct InvertedResidual {
    int64_t n, h, w, c, m, k, stride = 1;

    int64_t p() const { return (h - 1) / stride + 1; }
    int64_t q() const { return (w - 1) / stride + 1; }
    auto operator<=>(const InvertedResidual&) const = default;
};

// How the work is cut: so many blocks, which share the channels between, compute so many lines of y.
struct InvertedVariant {
    int lines, blocks;

    bool operator==(const InvertedVariant&) const = default;
};

// Those that the current GPU has, the one likely to be the fastest first.
std::vector<InvertedVariant> inverted_residual_variants(const InvertedResidual& g);

// Why there are none; empty if there is one.
std::string inverted_residual_refusal(const InvertedResidual& g);

// Runs the first variant, or the given one, with filters [m,1,1,c], [m,3,3,1] and [k,1,1,m].
// window_zero_point: what the window's padding counts as. Pointers are aligned to 16 bytes. Without a
// residual nothing is added.
cudaError_t inverted_residual(const InvertedResidual& g, const int8_t* x,
                              const std::array<ConvStep, 3>& steps, int window_zero_point,
                              const Residual& residual, int8_t* y, cudaStream_t stream,
                              const InvertedVariant* variant = nullptr);

}  // namespace qudnn::kernels
