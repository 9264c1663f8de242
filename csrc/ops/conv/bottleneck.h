// The three convolutions of a residual block: QBottleneckAdd with the addition behind them,
// QBottleneckFloatAdd with one before the last results are rounded, QBottleneck without.
#pragma once

#include <variant>

#include "ops/conv/float_conv.h"
#include "plan/problem/block.h"

namespace qudnn::ops {

// What is added to the last results: nothing, or a residual; in the order of plan::Addition.
using BlockAddition = std::variant<std::monostate, ConvAddition, ConvFloatAddition>;

// What all of them do: where a kernel takes the block, it is a problem of its own, whose plan is that kernel
// or the three plans of its convolutions; elsewhere those three run at once. Inputs are x [N,H,W,Cp], where
// there is an addition the residual [N,P,Q,Kp], then w, bias and multiplier as QConv has them, of each
// convolution: w [Mp,1,1,Cp], [Lp,R,S,Mp/group] and [Kp,1,1,Lp]
// -> [N,P,Q,Kp] int8.
struct ConvBlock {
    static constexpr size_t kSteps = plan::kStepsOfBlock;

    Windows<2> windows;      // of the second
    int padding_zero_point;  // what the second's padding counts as
    std::array<Requantize, kSteps> results;
    BlockAddition addition;

    ConvBlock(const ort::Attributes& attributes, plan::Addition adds);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context, plan::Addition adds);

  private:
    struct Run;
    struct Block;
    using Filters = std::array<ort::Tensor, kSteps>;
    plan::Addition adds() const { return static_cast<plan::Addition>(addition.index()); }
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

    explicit QBottleneck(const ort::Attributes& attributes) : ConvBlock(attributes, plan::adds_nothing) {}
    static void infer(const ort::InferenceContext& context) { ConvBlock::infer(context, plan::adds_nothing); }
};

struct QBottleneckAdd : ConvBlock {
    static constexpr Signature kSignature{
        "QBottleneckAdd",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32},
        {ort::ElementType::int8}};

    explicit QBottleneckAdd(const ort::Attributes& attributes) : ConvBlock(attributes, plan::adds_rounded) {}
    static void infer(const ort::InferenceContext& context) { ConvBlock::infer(context, plan::adds_rounded); }
};

struct QBottleneckFloatAdd : ConvBlock {
    static constexpr Signature kSignature{"QBottleneckFloatAdd", QBottleneckAdd::kSignature.inputs,
                                          QBottleneckAdd::kSignature.outputs};

    explicit QBottleneckFloatAdd(const ort::Attributes& attributes)
        : ConvBlock(attributes, plan::adds_in_float) {}
    static void infer(const ort::InferenceContext& context) {
        ConvBlock::infer(context, plan::adds_in_float);
    }
};

}  // namespace qudnn::ops
