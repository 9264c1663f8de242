// The three convolutions of a residual block: QBottleneckAdd with the addition behind them, QBottleneck
// without.
#pragma once

#include <optional>

#include "ops/conv/conv.h"

namespace qudnn::ops {

// What both do. Inputs are x [N,H,W,Cp], where there is an addition the residual [N,P,Q,Kp], then w, bias and
// multiplier as QConv has them, of each convolution: w [Mp,1,1,Cp], [Lp,R,S,Mp/group] and [Kp,1,1,Lp]
// -> [N,P,Q,Kp] int8.
struct ConvBlock {
    static constexpr size_t kSteps = 3;

    Windows<2> windows, unpadded_windows;  // of the second; unpadded: where the first writes the padding
    int padding_zero_point;                // what the second's padding counts as
    std::array<Requantize, kSteps> results;
    std::optional<ConvAddition> addition;

    ConvBlock(const ort::Attributes& attributes, bool adds);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context, bool adds);

    struct Run;

  private:
    Run read(Context& context) const;
    // Runs the one kernel of them all. Why not, if it does not; empty if it does.
    std::string compute_whole(const Run& run, const Context& context) const;
    // The convolutions one after the other.
    void compute_each(const Run& run, const Context& context) const;

    const char* window_refusal_;  // why no kernel takes the windows, as far as attributes tell; may be null
};

struct QBottleneck : ConvBlock {
    static constexpr Signature kSignature{
        "QBottleneck",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32,
         ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32, ort::ElementType::int8,
         ort::ElementType::int32, ort::ElementType::float32},
        {ort::ElementType::int8}};

    explicit QBottleneck(const ort::Attributes& attributes) : ConvBlock(attributes, false) {}
    static void infer(const ort::InferenceContext& context) { ConvBlock::infer(context, false); }
};

struct QBottleneckAdd : ConvBlock {
    static constexpr Signature kSignature{
        "QBottleneckAdd",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32},
        {ort::ElementType::int8}};

    explicit QBottleneckAdd(const ort::Attributes& attributes) : ConvBlock(attributes, true) {}
    static void infer(const ort::InferenceContext& context) { ConvBlock::infer(context, true); }
};

}  // namespace qudnn::ops
