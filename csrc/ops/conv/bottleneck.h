// The three convolutions of a residual block: QBottleneckAdd with the addition behind them, QBottleneck
// without.
#pragma once

#include <optional>

#include "ops/conv/conv.h"
#include "plan/problem/block.h"

namespace qudnn::ops {

// What both do: where a kernel takes the block, it is a problem of its own, whose plan is that kernel or the
// three plans of its convolutions; elsewhere those three run at once. Inputs are x [N,H,W,Cp], where there is
// an addition the residual [N,P,Q,Kp], then w, bias and multiplier as QConv has them, of each convolution: w
// [Mp,1,1,Cp], [Lp,R,S,Mp/group] and [Kp,1,1,Lp]
// -> [N,P,Q,Kp] int8.
struct ConvBlock {
    static constexpr size_t kSteps = plan::kStepsOfBlock;

    Windows<2> windows;      // of the second
    int padding_zero_point;  // what the second's padding counts as
    std::array<Requantize, kSteps> results;
    std::optional<ConvAddition> addition;

    ConvBlock(const ort::Attributes& attributes, bool adds);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context, bool adds);

  private:
    struct Run;
    struct Block;
    using Filters = std::array<ort::Tensor, kSteps>;
    Run read(Context& context) const;
    // The problem that it is, as far as attributes and shapes tell.
    Block block(const ort::Shape& x, const Filters& w) const;
    plan::StepProblems problems(const ort::Shape& x, const Filters& w) const;
    // Whether m channels between are padded by the convolution that makes them.
    bool first_pads(int64_t m) const;
    // Why no kernel takes it; empty where one does.
    std::string refusal(const Block& block) const;
    void compute_each(Run& run, Context& context) const;

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
