// Spatial padding with a zero point, for convolutions whose library pads with 0 only.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace qudnn::kernels {

struct Volume {
    int64_t d, h, w;
};

// x [n,d,h,w,c] -> y [n,...,c], with so many voxels before and after those along each of d, h and w; dense
// int8. Negative pads crop. An image is a volume of depth 1.
cudaError_t pad(int64_t n, const Volume& size, int64_t c, const Volume& before, const Volume& after,
                int8_t value, const int8_t* x, int8_t* y, cudaStream_t stream);

}  // namespace qudnn::kernels
