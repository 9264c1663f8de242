// QAveragePool, the average over windows of an island's images.
#pragma once

#include "kernels/image/average_pool.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// Of an average pool in any number of dimensions.
kernels::AverageScales read_average_scales(const ort::Attributes& attributes);

// Throws where a window could lie in the padding alone, without a pixel to count.
template <size_t kDimensions>
void require_pixels_in_windows(const std::array<int64_t, kDimensions>& kernel,
                               const std::array<int64_t, 2 * kDimensions>& pads) {
    for (size_t end = 0; end < 2 * kDimensions; ++end)
        require(pads[end] < kernel[end % kDimensions], "pads have to be smaller than the kernel");
}

// x [N,H,W,Cp] int8 -> [N,P,Q,Cp] int8.
struct QAveragePool {
    static constexpr Signature kSignature{"QAveragePool", {ort::ElementType::int8}, {ort::ElementType::int8}};

    std::array<int64_t, 2> kernel;
    std::array<int64_t, 4> pads;  // top, left, bottom, right
    std::array<int64_t, 2> strides;
    bool ceil_mode;
    kernels::AverageScales scales;

    explicit QAveragePool(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
