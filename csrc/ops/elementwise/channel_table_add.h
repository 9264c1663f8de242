// QChannelTableAdd, a function for each channel and the addition of a residual to what it gives.
#pragma once

#include "ops/shared/binary.h"

namespace qudnn::ops {

// x and residual int8 of one shape [...,Cp], table int8 [Cp,256] -> int8 of their shape.
struct QChannelTableAdd {
    static constexpr Signature kSignature{
        "QChannelTableAdd",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int8},
        {ort::ElementType::int8}};

    kernels::BinaryScales scales;
    bool result_first;  // of the function

    explicit QChannelTableAdd(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
