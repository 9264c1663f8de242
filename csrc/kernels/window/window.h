// Convolutions and matmuls on the tensor cores of Hopper GPUs, the windows cut out of tiles in shared
// memory.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/conv/conv.h"
#include "kernels/epilogue/residual.h"

namespace qudnn::kernels {

// How the work is cut: a block holds weights of `columns` output channels and goes over tiles of `rows`
// output pixels, those between images included, `width` channels at a time.
struct WindowVariant {
    int kernel;  // its number in the table of kernels
    int rows, columns, width;
    int x_stages, w_stages;  // buffers of shared memory
    int y_stages;            // 0 where results go straight to y
    bool resident;           // all weights of a block stay in shared memory
    int blocks;              // as many as the GPU runs at once, or as have work

    std::string text() const;
};

// The ways to run it on the current GPU, what is expected to be fastest first, no two of one text; prepares
// the GPU for them. None where the kernel does not take it: it needs compute capability 9.0, one group, a c
// that is a multiple of 16, a k that is one of 32, and windows of which shared memory holds enough.
std::vector<WindowVariant> window_variants(const ConvGeometry& g, bool pads_with_value, bool adds);

// Bytes of workspace, a multiple of 4, that the kernel needs.
size_t window_workspace(const ConvGeometry& g, bool pads_with_value);

// y = epilogue(sum(x * filter)), where a tap outside the image counts as x_zero_point, then with the
// residual, if there is one, whose sums are moderate (see add.h) or in_float. Padding of y is the epilogue's
// zero point, without a residual only. All pointers are multiples of 16. The variant is one of
// window_variants(), asked on the same GPU, and the workspace is of window_workspace(), null where that is 0.
cudaError_t window_conv(const ConvGeometry& g, const WindowVariant& variant, int x_zero_point,
                        const int8_t* x, const int8_t* filter, const Epilogue& epilogue,
                        const Residual& residual, int8_t* y, void* workspace, cudaStream_t stream);

}  // namespace qudnn::kernels
