// Convolutions and matmuls on the tensor cores of Hopper GPUs. A convolution's windows are views of tiles in
// shared memory.
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "export.h"
#include "kernels/common/kept_maps.h"
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

// What there is to do but the sums.
struct WindowOptions {
    bool pads_with_value = false;  // other than 0
    bool adds = false;             // a residual of y's shape
    bool adds_constant = false;    // a residual of one value for each channel
    bool looks_up = false;         // results, in the epilogue's table; not with a residual of y's shape
};

// Why the kernel does not run on the current GPU; empty if it does.
std::string window_refusal();

// The variants on the current GPU, the one expected to be fastest first, no two with the same text; prepares
// the GPU for them. Empty if the kernel does not take it: it needs compute capability 9.0, one group, c a
// multiple of 16, k a multiple of 32, and shared memory for enough windows.
std::vector<WindowVariant> window_variants(const ConvGeometry& g, const WindowOptions& options);

// A variant for a geometry, ready to run. The variant comes from window_variants() on the current GPU.
class WindowConv {
  public:
    WindowConv(const ConvGeometry& g, const WindowVariant& variant, const WindowOptions& options);

    // Of the table of biases for padding that stands for another value than 0, a multiple of 4; 0 where none
    // is needed.
    size_t table_bytes() const;

    // All that the table depends on but x_zero_point, filter and bias.
    std::array<int64_t, 18> table_key() const;

    // Writes the table. Filter and bias are multiples of 16 and constant, as for run().
    cudaError_t make_table(int x_zero_point, const int8_t* filter, const int32_t* bias, int32_t* table,
                           cudaStream_t stream) const;

    // y = epilogue(sum(x * filter)); a tap outside the image counts as the table says, or as 0 where none is
    // needed. Filter and epilogue are constant: they are read while kernels before this one may still
    // run; so is the table if it is_old, otherwise make_table() was the last work enqueued. Then the residual
    // is added, if there is one, whose sums are moderate (see add.h) or which is in_float. Padding of y is
    // the epilogue's padding(); there is none with a residual. All pointers are multiples of 16. kept:
    // tensor maps of the caller's earlier runs; null if there are none.
    cudaError_t run(const int8_t* x, const int8_t* filter, const Epilogue& epilogue, const Residual& residual,
                    int8_t* y, const int32_t* table, bool is_old, KeptMaps* kept, cudaStream_t stream) const;

  private:
    struct Prepared;
    std::shared_ptr<const Prepared> prepared_;
};

// How many tensor maps were made in this process.
QUDNN_API uint64_t tensor_maps_made();

}  // namespace qudnn::kernels
