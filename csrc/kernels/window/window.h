// Convolutions and matmuls on the tensor cores of Hopper GPUs. A convolution's windows are views of tiles in
// shared memory.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/conv/conv.h"
#include "kernels/epilogue/residual.h"

namespace qudnn::kernels {

// The partition of the work: a block holds weights of `columns` output channels and loops over tiles of
// `rows` output pixels, those between images included (not with im2col), `width` channels at a time. Where
// there are few tiles, `split` blocks add up a part of the channels each, of one tile.
struct WindowVariant {
    int kernel;  // its number in its table of kernels
    int rows, columns, width;
    int x_stages, w_stages;  // buffers of shared memory
    int y_stages;            // 0 if results go straight to y
    bool resident;           // all weights of a block stay in shared memory
    bool im2col;             // each tap's pixels are gathered: no rows between images, but more copies
    int blocks;              // as many as the GPU runs at once, at most one per tile; or `split` for each
    int split = 1;

    std::string text() const;
};

// Why the kernel does not run on the current GPU; empty if it does.
std::string window_refusal();

// The variants on the current GPU, the one expected to be fastest first, no two with the same text; prepares
// the GPU for them. Empty if the kernel does not take it: it needs compute capability 9.0, one group, c a
// multiple of 16, k a multiple of 32, and shared memory for enough windows.
std::vector<WindowVariant> window_variants(const ConvGeometry& g, bool pads_with_value, bool adds);

// Bytes of workspace, a multiple of 4, that the kernel needs.
size_t window_workspace(const ConvGeometry& g, bool pads_with_value);

// y = epilogue(sum(x * filter)); a tap outside the image counts as x_zero_point. Filter, bias and multiplier
// are constant: they are read while kernels before this one may still run. Then the residual is added, if
// there is one, whose sums are moderate (see add.h) or which is in_float. Padding of y is the epilogue's zero
// point; there is none with a residual. All pointers are multiples of 16. The variant comes from
// window_variants() on the same GPU. The workspace has window_workspace() bytes; null if that is 0.
cudaError_t window_conv(const ConvGeometry& g, const WindowVariant& variant, int x_zero_point,
                        const int8_t* x, const int8_t* filter, const Epilogue& epilogue,
                        const Residual& residual, int8_t* y, void* workspace, cudaStream_t stream);

}  // namespace qudnn::kernels
