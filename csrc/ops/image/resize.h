// QResize and QFloatResize: resizing of an island's images; QResizeTo and QFloatResizeTo, to sizes of the
// run.
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

// x [N,H,W,Cp] int8, sizes [2] int64 in memory of the host -> [N, sizes[0], sizes[1], Cp] int8.
struct QResizeTo {
    static constexpr Signature kSignature{
        "QResizeTo", {ort::ElementType::int8, ort::ElementType::int64}, {ort::ElementType::int8}, 0, 0, 1};

    bool linear;
    kernels::Coordinates coordinates;
    kernels::Nearest nearest;
    int offset;  // as QResize has it

    explicit QResizeTo(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [N,H,W,Cp] int8, sizes [2] int64 in memory of the host -> [N, sizes[0], sizes[1], Cp] int8, computed in
// float32.
struct QFloatResizeTo {
    static constexpr Signature kSignature{"QFloatResizeTo",
                                          {ort::ElementType::int8, ort::ElementType::int64},
                                          {ort::ElementType::int8},
                                          0,
                                          0,
                                          1};

    kernels::Coordinates coordinates;
    kernels::FloatResizeScales scales;

    explicit QFloatResizeTo(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
