// QMaxPool3D and QAveragePool3D, the pools over windows of an island's volumes.
#pragma once

#include "kernels/image/pool3d.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// Where the windows lie. pads: front, top, left, back, bottom, right.
struct VolumeWindows {
    std::array<int64_t, 3> kernel;
    std::array<int64_t, 6> pads;
    std::array<int64_t, 3> strides;
    std::array<int64_t, 3> dilations;
    bool ceil_mode;

    // dilated: there is an attribute dilations.
    VolumeWindows(const ort::Attributes& attributes, bool dilated);

    // Of x [N,D,H,W,Cp]; throws if it is none.
    kernels::VolumeGeometry geometry(const ort::Shape& x) const;

    // Output 0: [N,Z,P,Q,Cp].
    void infer(const ort::InferenceContext& context, ort::ElementType type) const;
};

// x [N,D,H,W,Cp] int8 -> [N,Z,P,Q,Cp] int8.
struct QMaxPool3D {
    static constexpr Signature kSignature{"QMaxPool3D", {ort::ElementType::int8}, {ort::ElementType::int8}};

    VolumeWindows windows;

    explicit QMaxPool3D(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [N,D,H,W,Cp] int8 -> [N,Z,P,Q,Cp] int8.
struct QAveragePool3D {
    static constexpr Signature kSignature{
        "QAveragePool3D", {ort::ElementType::int8}, {ort::ElementType::int8}};

    VolumeWindows windows;
    kernels::AverageScales scales;

    explicit QAveragePool3D(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
