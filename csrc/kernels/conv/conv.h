// Direct int8 convolution in two and in three dimensions: any geometry, exact epilogue, nothing clever. It
// runs the problems that no other engine takes, and every other engine is compared with it.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

#include "kernels/common/output_padding.h"
#include "kernels/epilogue/epilogue.h"
#include "kernels/epilogue/residual.h"

namespace qudnn::kernels {

// Channels-last. x [n,h,w,c], filter [k,r,s,c/group], y [n,p,q,k] within y_padding; all dense. In three
// dimensions x [n,d,h,w,c], filter [k,t,r,s,c/group], y [n,z,p,q,k]; images are volumes of depth 1.
struct ConvGeometry {
    int64_t n, h, w, c;
    int64_t k, r, s;
    int64_t p, q;
    int64_t pad_top, pad_left;
    int64_t stride_h, stride_w;
    int64_t dilation_h, dilation_w;
    int64_t group;
    OutputPadding y_padding = {};
    int64_t d = 1, t = 1, z = 1;
    int64_t pad_front = 0;
    int64_t stride_d = 1, dilation_d = 1;

    // Whether it is a convolution in three dimensions.
    bool deep() const {
        return d != 1 || t != 1 || z != 1 || pad_front != 0 || stride_d != 1 || dilation_d != 1;
    }
};

// Why it is refused; empty if it is not. Coordinates have 32 bits.
std::string conv_refusal(const ConvGeometry& g);

// y = epilogue(sum(x * filter)), int8, int32 or float, where a tap outside the image counts as x_zero_point.
// Padding of y, of int8, is the epilogue's padding(). In three dimensions there is no table.
template <typename Y>
cudaError_t conv(const ConvGeometry& g, int x_zero_point, const int8_t* x, const int8_t* filter,
                 const Epilogue& epilogue, Y* y, cudaStream_t stream);

// The same with a residual that is added in float32; y has no padding.
cudaError_t conv_and_residual(const ConvGeometry& g, int x_zero_point, const int8_t* x, const int8_t* filter,
                              const Epilogue& epilogue, const Residual& residual, int8_t* y,
                              cudaStream_t stream);

}  // namespace qudnn::kernels
