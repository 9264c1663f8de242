#include "ops/conv/bottleneck.h"

#include "engines/native/whole_block.h"
#include "plan/planner/steps.h"
#include "plan/tuning/explanation.h"

namespace qudnn::ops {

struct ConvBlock::Block {
    plan::BlockProblem problem;
    const char* refusal = nullptr;  // why it is none; null where it is one
};

// One run: what it computes, and on what.
struct ConvBlock::Run {
    ort::Tensor x;
    Filters w;
    Block block;
    std::array<kernels::ConvStep, kSteps - 1> before;
    plan::Arguments arguments;  // without `before`
};

namespace {

constexpr const char* kWholeBlock = "with all steps of the residual block";
constexpr int64_t kChannelsAtOnce = 16;

const char* refusal_of(const Windows<2>& windows) {
    if (windows.strides[0] != windows.strides[1]) return "two strides that differ";
    if (windows.dilations != std::array<int64_t, 2>{1, 1}) return "dilations";
    if (windows.pads != std::array<int64_t, 4>{1, 1, 1, 1}) return "a padding other than 1";
    return nullptr;
}

BlockAddition addition_of(const ort::Attributes& attributes, plan::Addition adds) {
    if (adds == plan::adds_rounded) return ConvAddition(attributes);
    if (adds == plan::adds_in_float) return ConvFloatAddition(attributes);
    return {};
}

kernels::Residual residual_of(const BlockAddition& addition, const int8_t* r) {
    return std::visit(
        [r](const auto& a) {
            if constexpr (requires { a.residual(r); }) return a.residual(r);
            return kernels::Residual{};
        },
        addition);
}

// The addition that no convolution takes; null where one does, or there is none.
const ConvAddition* added_later(const BlockAddition& addition) {
    const auto* const a = std::get_if<ConvAddition>(&addition);
    return a != nullptr && !a->moderate ? a : nullptr;
}

}  // namespace

ConvBlock::ConvBlock(const ort::Attributes& attributes, plan::Addition adds)
    : windows(attributes, true),
      padding_zero_point(attributes.integer("padding_zero_point", -128, 127)),
      results{Requantize(attributes, "reduced"), Requantize(attributes, "window"), Requantize(attributes)},
      addition(addition_of(attributes, adds)),
      window_refusal_(refusal_of(windows)) {}

void ConvBlock::compute(Context& context) const {
    Run run = read(context);
    if (run.arguments.y == nullptr) return;
    run.arguments.before = run.before;
    plan::BlockProblem& problem = run.block.problem;
    problem.alignment = plan::alignment_of(run.arguments);
    const std::string why_not = refusal(run.block);
    if (why_not.empty()) return plan::run(problem, run.arguments, context);
    plan::explain_slow_kernel(context, kWholeBlock, why_not);
    compute_each(run, context);
}

ConvBlock::Run ConvBlock::read(Context& context) const {
    const size_t first = adds() ? 2 : 1;  // of the weights
    Run run{.x = context.input(0),
            .w = {context.input(first), context.input(first + 3), context.input(first + 6)},
            .block = {},
            .before = {},
            .arguments = {}};
    for (const ort::Tensor* tensor : {&run.x, &run.w[0], &run.w[1], &run.w[2]})
        require(tensor->shape.rank() == 4, "x and weights have to be of rank 4");
    const int64_t m = run.w[0].shape[0], between = run.w[1].shape[0], k = run.w[2].shape[0];
    require(run.w[0].shape == ort::Shape{m, 1, 1, run.x.shape[3]}, "w_reduce does not fit the channels of x");
    require(run.w[2].shape == ort::Shape{k, 1, 1, between}, "w does not fit the channels of w_window");
    run.block = block(run.x.shape, run.w);

    std::array<kernels::ConvStep, kSteps> steps;
    for (size_t i = 0; i < kSteps; ++i)
        steps[i] = {run.w[i].as<const int8_t>(),
                    results[i].epilogue(context.input(first + 1 + 3 * i), context.input(first + 2 + 3 * i),
                                        run.w[i].shape[0])};
    std::copy_n(steps.begin(), run.before.size(), run.before.begin());
    const plan::BlockProblem& b = run.block.problem;
    const ort::Tensor y = context.output(
        0, run.block.refusal == nullptr ? ort::Shape{b.n, b.p(), b.q(), b.k}
                                        : Windows<2>::result_shape(problems(run.x.shape, run.w).back()));
    run.arguments = {run.x.as<const int8_t>(), steps.back().w, y.shape.count() > 0 ? y.data : nullptr,
                     steps.back().epilogue, padding_zero_point};
    if (adds()) {
        const ort::Tensor r = context.input(1);
        require(r.shape == y.shape, "the shapes of the residual and the result differ");
        run.arguments.residual = residual_of(addition, r.as<const int8_t>());
    }
    return run;
}

ConvBlock::Block ConvBlock::block(const ort::Shape& x, const Filters& w) const {
    const auto refused = [](const char* why) { return Block{{}, why}; };
    const ort::Shape& window = w[1].shape;
    const int64_t m = w[0].shape[0];
    if (window_refusal_ != nullptr) return refused(window_refusal_);
    if (window[1] != 3 || window[2] != 3) return refused("a window other than 3 x 3");
    if (window[0] != m) return refused("a window that changes the number of channels");
    if (window[3] * windows.group != m || (window[3] != 1 && windows.group != 1)) return refused("groups");
    plan::BlockProblem b;
    b.n = x[0], b.h = x[1], b.w = x[2], b.c = x[3], b.m = m, b.k = w[2].shape[0];
    b.stride = windows.strides[0];
    b.depthwise = windows.group != 1;
    b.pads_with_value = padding_zero_point != 0;
    b.first_pads = b.pads_with_value && first_pads(m);
    b.clamps_first = results[0].clamps_above(), b.clamps_window = results[1].clamps_above();
    b.clamps_above = results[2].clamps_above();
    b.adds = adds();
    return {b};
}

plan::StepProblems ConvBlock::problems(const ort::Shape& x, const Filters& w) const {
    static const Windows<2> pointwise;
    plan::ConvProblem first = pointwise.problem(x, w[0].shape, 0, plan::DataType::int8);
    Windows<2> around = windows;
    plan::ConvProblem second =
        around.problem(Windows<2>::result_shape(first), w[1].shape, padding_zero_point, plan::DataType::int8);
    if (second.pads_with_value && first_pads(second.c) && first.y_elements() > 0) {
        first.y_padding = {second.pad_top, second.pad_left, second.pad_bottom, second.pad_right};
        around.pads = {};
        second = around.problem(Windows<2>::result_shape(first), w[1].shape, padding_zero_point,
                                plan::DataType::int8);
    }
    plan::ConvProblem third =
        pointwise.problem(Windows<2>::result_shape(second), w[2].shape, 0, plan::DataType::int8);
    if (added_later(addition) == nullptr) third.adds = adds();
    plan::StepProblems all{first, second, third};
    for (size_t i = 0; i < kSteps; ++i) all[i].clamps_above = results[i].clamps_above();
    return all;
}

// As converter/passes/finish/pad_at_producer.py has it: a value other than 0 costs the second more, but
// nothing in the kernels for groups of few channels.
bool ConvBlock::first_pads(int64_t m) const {
    return padding_zero_point == results[0].y_zero_point && (m / windows.group) % kChannelsAtOnce == 0;
}

std::string ConvBlock::refusal(const Block& block) const {
    if (block.refusal != nullptr) return block.refusal;
    if (added_later(addition) != nullptr) return "scales whose sums may be too large";
    if (block.problem.alignment < plan::kFullAlignment) return "a pointer is not aligned to 16 bytes";
    return engines::whole_block_refusal(block.problem);
}

void ConvBlock::compute_each(Run& run, Context& context) const {
    const plan::StepProblems steps = problems(run.x.shape, run.w);
    const auto between = context.workspace(plan::all_bytes_between(steps));
    const int8_t* const r = run.arguments.residual.r;
    const ConvAddition* const later = added_later(addition);
    if (later != nullptr) run.arguments.residual = {};
    plan::run_steps(steps, run.arguments, context.launch(), between->data());
    if (later != nullptr) later->add(steps.back(), r, run.arguments.y, context);
}

void ConvBlock::infer(const ort::InferenceContext& context, plan::Addition adds) {
    const size_t first = adds ? 2 : 1;  // of the weights
    std::vector<ort::Dim> y =
        Windows<2>(context.attributes(), true).result_dims(context.input(0), context.input(first + 3));
    const std::vector<ort::Dim> w = context.input(first + 6);
    if (y.empty() || w.size() != 4) return;
    y.back() = w[0];
    context.set_output(0, ort::ElementType::int8, y);
}

}  // namespace qudnn::ops
