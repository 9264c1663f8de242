// Three convolutions of a residual block and the addition behind them, in one kernel: see bottleneck.cuh.
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>
#include <string>

#include "kernels/common/kept_maps.h"
#include "kernels/epilogue/epilogue.h"
#include "kernels/epilogue/residual.h"

namespace qudnn::kernels {

struct Bottleneck {
    int64_t n, h, w, c, m, k;  // x [n,h,w,c], between [n,h,w,m] twice, y and residual [n,h,w,k]

    bool operator==(const Bottleneck&) const = default;
};

// Filters [m,1,1,c], [m,3,3,m] or [k,1,1,m].
struct BottleneckStep {
    const int8_t* w;
    Epilogue epilogue;
};

// Why there is no kernel for it on the current GPU; empty if there is one.
std::string bottleneck_refusal(const Bottleneck& b);

// window_zero_point: what the window's padding counts as. Everything is aligned to 16 bytes.
cudaError_t bottleneck(const Bottleneck& b, const int8_t* x, const std::array<BottleneckStep, 3>& steps,
                       int window_zero_point, const Residual& residual, int8_t* y, KeptMaps* kept,
                       cudaStream_t stream);

}  // namespace qudnn::kernels
