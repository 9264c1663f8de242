// QResize and QFloatResize: resizing of an island's images.
#pragma once

#include "kernels/image/float_resize.h"
#include "kernels/image/resize.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// x [N,H,W,Cp] int8 -> [N, floor(H * scales[1]), floor(W * scales[2]), Cp] int8.
struct QResize {
    static constexpr Signature kSignature{"QResize", {ort::ElementType::int8}, {ort::ElementType::int8}};

    float h_scale, w_scale;
    bool linear;
    kernels::Coordinates coordinates;
    kernels::Nearest nearest;
    int offset;  // of the values that linear blends: 128 for uint8, 0 for int8

    explicit QResize(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [N,H,W,Cp] int8 -> [N, floor(H * scales[1]), floor(W * scales[2]), Cp] int8, computed in float32.
struct QFloatResize {
    static constexpr Signature kSignature{"QFloatResize", {ort::ElementType::int8}, {ort::ElementType::int8}};

    float h_scale, w_scale;
    kernels::Coordinates coordinates;
    kernels::FloatResizeScales scales;

    explicit QFloatResize(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
