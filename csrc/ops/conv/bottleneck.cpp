#include "ops/conv/bottleneck.h"

#include <numeric>

#include "engines/native/whole_block.h"
#include "plan/planner/steps.h"
#include "plan/tuning/explanation.h"

namespace qudnn::ops {

// One run: what it computes, and on what.
struct ConvBlock::Run {
    plan::StepProblems steps;
    std::array<kernels::ConvStep, kSteps - 1> before;
    plan::Arguments arguments;  // without `before`
};

namespace {

constexpr const char* kWholeBlock = "with all steps of the residual block";
constexpr int64_t kChannelsAtOnce = 16;

}  // namespace

ConvBlock::ConvBlock(const ort::Attributes& attributes, bool adds)
    : windows(attributes, true),
      padding_zero_point(attributes.integer("padding_zero_point", -128, 127)),
      results{Requantize(attributes, "reduced"), Requantize(attributes, "window"), Requantize(attributes)} {
    if (adds) addition.emplace(attributes);
}

void ConvBlock::compute(Context& context) const {
    Run run = read(context);
    if (run.steps.back().y_elements() == 0) return;
    run.arguments.before = run.before;
    run.steps.front().alignment = plan::alignment_of(run.arguments);
    const plan::FoundBlock found = plan::block_of(run.steps);
    const std::string why_not = refusal(run, found);
    if (why_not.empty()) return plan::run(*found.block, run.arguments, context);

    plan::explain_slow_kernel(context, kWholeBlock, why_not);
    const auto bytes = plan::bytes_between(run.steps);
    const auto between = context.workspace(std::accumulate(bytes.begin(), bytes.end(), size_t{0}));
    const int8_t* const r = run.arguments.residual.r;
    const bool adds_later = addition && !addition->moderate;
    if (adds_later) run.arguments.residual = {};
    plan::run_steps(run.steps, run.arguments, context.launch(), between->data());
    if (adds_later) addition->add(run.steps.back(), r, run.arguments.y, context);
}

ConvBlock::Run ConvBlock::read(Context& context) const {
    const size_t first = addition ? 2 : 1;  // of the weights
    const ort::Tensor x = context.input(0);
    const std::array<ort::Tensor, kSteps> w{context.input(first), context.input(first + 3),
                                            context.input(first + 6)};
    Run run{.steps = problems(x.shape, w), .before = {}, .arguments = {}};
    std::array<kernels::ConvStep, kSteps> steps;
    for (size_t i = 0; i < kSteps; ++i)
        steps[i] = {w[i].as<const int8_t>(),
                    results[i].epilogue(context.input(first + 1 + 3 * i), context.input(first + 2 + 3 * i),
                                        w[i].shape[0])};
    std::copy_n(steps.begin(), run.before.size(), run.before.begin());
    const ort::Tensor y = context.output(0, Windows<2>::result_shape(run.steps.back()));
    run.arguments = {x.as<const int8_t>(), steps.back().w, y.data, steps.back().epilogue, padding_zero_point};
    if (addition) {
        const ort::Tensor r = context.input(1);
        require(r.shape == y.shape, "the shapes of the residual and the result differ");
        run.arguments.residual = addition->residual(r.as<const int8_t>());
    }
    return run;
}

plan::StepProblems ConvBlock::problems(const ort::Shape& x, const std::array<ort::Tensor, kSteps>& w) const {
    static const Windows<2> pointwise;
    require(x.rank() == 4, "x and weights have to be of rank 4");
    for (const ort::Tensor& each : w) require(each.shape.rank() == 4, "x and weights have to be of rank 4");
    const int64_t m = w[0].shape[0], between = w[1].shape[0], k = w[2].shape[0];
    require(w[0].shape == ort::Shape{m, 1, 1, x[3]}, "w_reduce does not fit the channels of x");
    require(w[2].shape == ort::Shape{k, 1, 1, between}, "w does not fit the channels of w_window");

    plan::ConvProblem first = pointwise.problem(x, w[0].shape, 0, plan::DataType::int8);
    Windows<2> around = windows;
    plan::ConvProblem second =
        around.problem(Windows<2>::result_shape(first), w[1].shape, padding_zero_point, plan::DataType::int8);
    if (first.y_elements() > 0 && first_pads(second)) {
        first.y_padding = {second.pad_top, second.pad_left, second.pad_bottom, second.pad_right};
        around.pads = {};
        second = around.problem(Windows<2>::result_shape(first), w[1].shape, padding_zero_point,
                                plan::DataType::int8);
    }
    plan::ConvProblem third =
        pointwise.problem(Windows<2>::result_shape(second), w[2].shape, 0, plan::DataType::int8);
    if (addition && addition->moderate) third.adds = plan::adds_rounded;
    plan::StepProblems all{first, second, third};
    for (size_t i = 0; i < kSteps; ++i) all[i].clamps_above = results[i].clamps_above();
    return all;
}

// As converter/passes/finish/pad_at_producer.py has it: a value other than 0 costs the second more, but
// nothing in the kernels for groups of few channels.
bool ConvBlock::first_pads(const plan::ConvProblem& window) const {
    return window.pads_with_value && padding_zero_point == results[0].y_zero_point &&
           (window.c / window.group) % kChannelsAtOnce == 0;
}

std::string ConvBlock::refusal(const Run& run, const plan::FoundBlock& found) const {
    if (!found.block) return found.refusal;
    if (addition && !addition->moderate) return "scales whose sums may be too large";
    if (run.steps.front().alignment < plan::kFullAlignment) return "a pointer is not aligned to 16 bytes";
    return engines::whole_block_refusal(*found.block);
}

void ConvBlock::infer(const ort::InferenceContext& context, bool adds) {
    const size_t first = adds ? 2 : 1;  // of the weights
    std::vector<ort::Dim> y =
        Windows<2>(context.attributes(), true).result_dims(context.input(0), context.input(first + 3));
    const std::vector<ort::Dim> w = context.input(first + 6);
    if (y.empty() || w.size() != 4) return;
    y.back() = w[0];
    context.set_output(0, ort::ElementType::int8, y);
}

}  // namespace qudnn::ops
