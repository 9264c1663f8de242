// Resizing of images with the bits of Resize, channels-last.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace qudnn::kernels {

enum class Coordinates : int {
    half_pixel,
    half_pixel_symmetric,
    pytorch_half_pixel,
    tf_half_pixel_for_nn,
    asymmetric,
    align_corners,
};
enum class Nearest : int { round_prefer_floor, round_prefer_ceil, floor, ceil };

// One side of the image: `in` pixels become `out`. A scale of 1 leaves the side as it is.
struct ResizeAxis {
    int in, out;
    float scale;
};

struct ResizeGeometry {
    int64_t n, c;
    ResizeAxis h, w;
    Coordinates coordinates;
};

// x [n,h.in,w.in,c] -> y [n,h.out,w.out,c], dense int8. Nearest copies; if a coordinate lies
// within 1e-6 of the middle between two pixels, the mode decides.
cudaError_t resize_nearest(const ResizeGeometry& g, Nearest nearest, const int8_t* x, int8_t* y,
                           cudaStream_t stream);

// The arithmetic sees x + offset (128 for uint8 tensors, 0 for int8 ones). With h.scale != 1:
//   y = trunc(sum of four (pixel * weight_h * weight_w) / 2^20) - offset, weights of 10 bits, cut off
// With h.scale == 1 in float32, one rounding each: weights of w alone, for the last channel in two halves.
cudaError_t resize_linear(const ResizeGeometry& g, int offset, const int8_t* x, int8_t* y,
                          cudaStream_t stream);

}  // namespace qudnn::kernels
