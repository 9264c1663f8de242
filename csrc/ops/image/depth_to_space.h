// QDepthToSpace, blocks of an island's channels to blocks of pixels.
#pragma once

#include "ops/shared/op.h"

namespace qudnn::ops {

// x [N,H,W,b*b*Cp] int8 -> [N, H*b - top - bottom, W*b - left - right, Cp] int8, b = blocksize.
struct QDepthToSpace {
    static constexpr Signature kSignature{
        "QDepthToSpace", {ort::ElementType::int8}, {ort::ElementType::int8}};

    int64_t block;
    std::array<int64_t, 4> crop;  // top, left, bottom, right

    explicit QDepthToSpace(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);

  private:
    int64_t side(int64_t extent, size_t axis) const;  // H or W of the result
};

}  // namespace qudnn::ops
