// Spatial padding with a zero point, for convolutions whose library pads with 0 only.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace qudnn::kernels {

// x [n,h,w,c] -> y [n,top+h+bottom,left+w+right,c]; dense int8. Negative pads crop.
cudaError_t pad(int64_t n, int64_t h, int64_t w, int64_t c, int64_t top, int64_t left, int64_t bottom,
                int64_t right, int8_t value, const int8_t* x, int8_t* y, cudaStream_t stream);

struct Volume {
    int64_t d, h, w;
};

// x [n,d,h,w,c] -> y [n,...,c], with so many voxels before and after each of d, h and w; dense int8.
cudaError_t pad3d(int64_t n, const Volume& size, int64_t c, const Volume& before, const Volume& behind,
                  int8_t value, const int8_t* x, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
