#include "ops/conv/bottleneck.h"

#include "plan/tuning/explanation.h"

namespace qudnn::ops {

namespace {

constexpr const char* kWholeBlock = "with all steps of the residual block";
constexpr int64_t kChannelsAtOnce = 16;

// Where the second intermediate begins behind the first, whose bytes these are.
constexpr size_t aligned_size(int64_t bytes) { return (static_cast<size_t>(bytes) + 255) / 256 * 256; }

const char* refusal_of(const Windows<2>& windows) {
    if (windows.group != 1) return "groups";
    if (windows.strides[0] != windows.strides[1]) return "two strides that differ";
    if (windows.dilations != std::array<int64_t, 2>{1, 1}) return "dilations";
    if (windows.pads != std::array<int64_t, 4>{1, 1, 1, 1}) return "a padding other than 1";
    return nullptr;
}

}  // namespace

// One run: its tensors, and what the second convolution computes, its padding included.
struct QBottleneckAdd::Run {
    ort::Tensor x, r, y;
    std::array<ort::Tensor, kSteps> w;
    std::array<kernels::ConvStep, kSteps> steps;
    plan::ConvProblem window;

    kernels::Bottleneck geometry() const {
        return {window.n, window.h, window.w, x.shape[3], window.c, y.shape[3], window.stride_h};
    }

    int64_t alignment() const {
        int64_t least = plan::alignment_of({x.data, r.data, y.data});
        for (const auto& [filter, epilogue] : steps)
            least = std::min(least, plan::alignment_of({filter, epilogue.bias, epilogue.multiplier}));
        return least;
    }
};

QBottleneckAdd::QBottleneckAdd(const ort::Attributes& attributes)
    : windows(attributes, true),
      unpadded_windows(windows),
      padding_zero_point(attributes.integer("padding_zero_point", -128, 127)),
      results{Requantize(attributes, "reduced"), Requantize(attributes, "window"), Requantize(attributes)},
      addition(attributes),
      window_refusal_(refusal_of(windows)) {
    unpadded_windows.pads = {};
}

void QBottleneckAdd::compute(Context& context) const {
    Run run{.x = context.input(0),
            .r = context.input(1),
            .y = {},
            .w = {context.input(2), context.input(5), context.input(8)},
            .steps = {},
            .window = {}};
    for (const ort::Tensor* tensor : {&run.x, &run.r, &run.w[0], &run.w[1], &run.w[2]})
        require(tensor->shape.rank() == 4, "x, the residual and weights have to be of rank 4");
    const ort::Shape& x = run.x.shape;
    const int64_t m = run.w[0].shape[0], between = run.w[1].shape[0], k = run.w[2].shape[0];
    require(run.w[0].shape == ort::Shape{m, 1, 1, x[3]}, "w_reduce does not fit the channels of x");
    require(run.w[2].shape == ort::Shape{k, 1, 1, between}, "w does not fit the channels of w_window");
    run.window =
        windows.problem({x[0], x[1], x[2], m}, run.w[1].shape, padding_zero_point, plan::DataType::int8);
    run.window.clamps_above = results[1].clamps_above();
    for (size_t i = 0; i < kSteps; ++i)
        run.steps[i] = {
            run.w[i].as<const int8_t>(),
            results[i].epilogue(context.input(3 + 3 * i), context.input(4 + 3 * i), run.w[i].shape[0])};
    run.y = context.output(0, {run.window.n, run.window.p, run.window.q, k});
    require(run.r.shape == run.y.shape, "the shapes of the residual and the result differ");
    if (run.y.shape.count() == 0) return;

    const std::string why_not = refusal(run);
    if (why_not.empty())
        return check_cuda(kernels::bottleneck(run.geometry(), run.x.as<const int8_t>(), run.steps,
                                              padding_zero_point, addition.residual(run.r.as<const int8_t>()),
                                              run.y.as<int8_t>(), &context.memos().own.maps,
                                              context.stream()));
    plan::explain_slow_kernel(context, kWholeBlock, why_not);
    compute_each(run, context);
}

std::string QBottleneckAdd::refusal(const Run& run) const {
    const plan::ConvProblem& window = run.window;
    if (window_refusal_ != nullptr) return window_refusal_;
    if (window.r != 3 || window.s != 3) return "a window other than 3 x 3";
    if (window.c != window.k) return "a window that changes the number of channels";
    if (!addition.moderate) return "scales whose sums may be too large";
    if (run.alignment() < plan::kFullAlignment) return "a pointer is not aligned to 16 bytes";
    return kernels::bottleneck_refusal(run.geometry());
}

void QBottleneckAdd::compute_each(const Run& run, const Context& context) const {
    const auto pixels = [](const ort::Shape& x, const ort::Tensor& w, const Requantize& result) {
        static const Windows<2> pointwise;
        plan::ConvProblem problem = pointwise.problem(x, w.shape, 0, plan::DataType::int8);
        problem.clamps_above = result.clamps_above();
        return problem;
    };
    plan::ConvProblem first = pixels(run.x.shape, run.w[0], results[0]), second = run.window;
    // As converter/passes/finish/pad_at_producer.py has it: a value other than 0 costs the second more.
    if (second.pads_with_value && padding_zero_point == results[0].y_zero_point && first.y_elements() > 0 &&
        (second.c / second.group) % kChannelsAtOnce == 0) {
        first.y_padding = {second.pad_top, second.pad_left, second.pad_bottom, second.pad_right};
        second = unpadded_windows.problem(Windows<2>::result_shape(first), run.w[1].shape, padding_zero_point,
                                          plan::DataType::int8);
        second.clamps_above = results[1].clamps_above();
    }
    const plan::ConvProblem third = pixels(Windows<2>::result_shape(second), run.w[2], results[2]);

    const size_t size = aligned_size(first.y_elements());
    const auto intermediates = context.workspace(size + static_cast<size_t>(second.y_elements()));
    auto* const reduced = static_cast<int8_t*>(intermediates->data());
    int8_t* const window = reduced + size;
    const auto& steps = run.steps;
    run_aligned(first, {run.x.as<const int8_t>(), steps[0].w, reduced, steps[0].epilogue, 0},
                Step(context, 0));
    run_aligned(second, {reduced, steps[1].w, window, steps[1].epilogue, padding_zero_point},
                Step(context, 1));
    addition.run(third, {window, steps[2].w, run.y.data, steps[2].epilogue, 0}, run.r.as<const int8_t>(),
                 Step(context, 2));
}

void QBottleneckAdd::infer(const ort::InferenceContext& context) {
    std::vector<ort::Dim> y =
        Windows<2>(context.attributes(), true).result_dims(context.input(0), context.input(5));
    const std::vector<ort::Dim> w = context.input(8);
    if (y.empty() || w.size() != 4) return;
    y.back() = w[0];
    context.set_output(0, kSignature.outputs[0], y);
}

}  // namespace qudnn::ops
