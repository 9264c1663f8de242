// QBottleneckAdd, the three convolutions of a residual block and the addition behind them.
#pragma once

#include "kernels/bottleneck/bottleneck.h"
#include "ops/conv/conv.h"

namespace qudnn::ops {

// x [N,H,W,Cp], residual [N,P,Q,Kp], then w, bias and multiplier as QConv has them, of each convolution: w
// [Mp,1,1,Cp], [Lp,R,S,Mp/group] and [Kp,1,1,Lp] -> [N,P,Q,Kp] int8.
struct QBottleneckAdd {
    static constexpr Signature kSignature{
        "QBottleneckAdd",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32},
        {ort::ElementType::int8}};
    static constexpr size_t kSteps = 3;

    Windows<2> windows, unpadded_windows;  // of the second; unpadded: where the first writes the padding
    int padding_zero_point;                // what the second's padding counts as
    std::array<Requantize, kSteps> results;
    ConvAddition addition;

    explicit QBottleneckAdd(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);

  private:
    struct Run;

    // Why one kernel does not do it; empty if one does.
    std::string refusal(const Run& run) const;
    // The convolutions one after the other.
    void compute_each(const Run& run, const Context& context) const;

    const char* window_refusal_;  // as far as attributes tell; null if there is none
};

}  // namespace qudnn::ops
