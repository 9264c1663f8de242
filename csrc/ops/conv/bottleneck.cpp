#include "ops/conv/bottleneck.h"

#include "kernels/bottleneck/bottleneck.h"
#include "kernels/inverted_residual/inverted_residual.h"
#include "plan/tuning/explanation.h"

namespace qudnn::ops {

// One run: its tensors, and what the second convolution computes, its padding included.
struct ConvBlock::Run {
    ort::Tensor x, r, y;  // r: of undefined type where nothing is added
    std::array<ort::Tensor, kSteps> w;
    std::array<kernels::ConvStep, kSteps> steps;
    plan::ConvProblem window;
    kernels::Residual residual;

    bool is_depthwise() const { return window.group == window.c; }

    // As a kernel takes it.
    template <class Geometry>
    Geometry geometry() const {
        return {window.n, window.h, window.w, x.shape[3], window.c, y.shape[3], window.stride_h};
    }

    int64_t alignment() const {
        int64_t least = plan::alignment_of({x.data, r.data, y.data});
        for (const auto& [filter, epilogue] : steps)
            least = std::min(least, plan::alignment_of({filter, epilogue.bias, epilogue.multiplier}));
        return least;
    }
};

namespace {

constexpr const char* kWholeBlock = "with all steps of the residual block";
constexpr int64_t kChannelsAtOnce = 16;

using Run = ConvBlock::Run;

// Where the second intermediate begins behind the first, whose bytes these are.
constexpr size_t aligned_size(int64_t bytes) { return (static_cast<size_t>(bytes) + 255) / 256 * 256; }

const char* refusal_of(const Windows<2>& windows) {
    if (windows.strides[0] != windows.strides[1]) return "two strides that differ";
    if (windows.dilations != std::array<int64_t, 2>{1, 1}) return "dilations";
    if (windows.pads != std::array<int64_t, 4>{1, 1, 1, 1}) return "a padding other than 1";
    return nullptr;
}

// The kernel for windows over all channels.
struct DenseKernel {
    kernels::Bottleneck geometry;

    explicit DenseKernel(const Run& run) : geometry(run.geometry<kernels::Bottleneck>()) {}
    std::string refusal(const Run& run) const {
        if (run.window.group != 1) return "groups";
        if (run.residual.r == nullptr) return "nothing to add";
        return kernels::bottleneck_refusal(geometry);
    }
    cudaError_t run(const Run& run, int padding_zero_point, const Context& context) const {
        return kernels::bottleneck(geometry, run.x.as<const int8_t>(), run.steps, padding_zero_point,
                                   run.residual, run.y.as<int8_t>(), &context.memos().own.maps,
                                   context.stream());
    }
};

// The kernel for windows over each channel by itself.
struct DepthwiseKernel {
    kernels::InvertedResidual geometry;

    explicit DepthwiseKernel(const Run& run) : geometry(run.geometry<kernels::InvertedResidual>()) {}
    std::string refusal(const Run&) const { return kernels::inverted_residual_refusal(geometry); }
    cudaError_t run(const Run& run, int padding_zero_point, const Context& context) const {
        return kernels::inverted_residual(geometry, run.x.as<const int8_t>(), run.steps, padding_zero_point,
                                          run.residual, run.y.as<int8_t>(), context.stream());
    }
};

// Runs the kernel. Why not, if it does not; empty if it does.
template <class Kernel>
std::string run_with(const Run& run, int padding_zero_point, const Context& context) {
    const Kernel kernel(run);
    std::string refusal = kernel.refusal(run);
    if (refusal.empty()) check_cuda(kernel.run(run, padding_zero_point, context));
    return refusal;
}

}  // namespace

ConvBlock::ConvBlock(const ort::Attributes& attributes, bool adds)
    : windows(attributes, true),
      unpadded_windows(windows),
      padding_zero_point(attributes.integer("padding_zero_point", -128, 127)),
      results{Requantize(attributes, "reduced"), Requantize(attributes, "window"), Requantize(attributes)},
      window_refusal_(refusal_of(windows)) {
    unpadded_windows.pads = {};
    if (adds) addition.emplace(attributes);
}

void ConvBlock::compute(Context& context) const {
    const Run run = read(context);
    if (run.y.shape.count() == 0) return;
    const std::string why_not = compute_whole(run, context);
    if (why_not.empty()) return;
    plan::explain_slow_kernel(context, kWholeBlock, why_not);
    compute_each(run, context);
}

ConvBlock::Run ConvBlock::read(Context& context) const {
    const size_t first = addition ? 2 : 1;  // of the weights
    Run run{.x = context.input(0),
            .r = addition ? context.input(1) : ort::Tensor{},
            .y = {},
            .w = {context.input(first), context.input(first + 3), context.input(first + 6)},
            .steps = {},
            .window = {},
            .residual = {}};
    for (const ort::Tensor* tensor : {&run.x, &run.w[0], &run.w[1], &run.w[2]})
        require(tensor->shape.rank() == 4, "x and weights have to be of rank 4");
    const ort::Shape& x = run.x.shape;
    const int64_t m = run.w[0].shape[0], between = run.w[1].shape[0], k = run.w[2].shape[0];
    require(run.w[0].shape == ort::Shape{m, 1, 1, x[3]}, "w_reduce does not fit the channels of x");
    require(run.w[2].shape == ort::Shape{k, 1, 1, between}, "w does not fit the channels of w_window");
    run.window =
        windows.problem({x[0], x[1], x[2], m}, run.w[1].shape, padding_zero_point, plan::DataType::int8);
    run.window.clamps_above = results[1].clamps_above();
    for (size_t i = 0; i < kSteps; ++i)
        run.steps[i] = {run.w[i].as<const int8_t>(),
                        results[i].epilogue(context.input(first + 1 + 3 * i),
                                            context.input(first + 2 + 3 * i), run.w[i].shape[0])};
    run.y = context.output(0, {run.window.n, run.window.p, run.window.q, k});
    if (addition) {
        require(run.r.shape == run.y.shape, "the shapes of the residual and the result differ");
        run.residual = addition->residual(run.r.as<const int8_t>());
    }
    return run;
}

std::string ConvBlock::compute_whole(const Run& run, const Context& context) const {
    const plan::ConvProblem& window = run.window;
    if (window_refusal_ != nullptr) return window_refusal_;
    if (window.r != 3 || window.s != 3) return "a window other than 3 x 3";
    if (window.c != window.k) return "a window that changes the number of channels";
    if (addition && !addition->moderate) return "scales whose sums may be too large";
    if (run.alignment() < plan::kFullAlignment) return "a pointer is not aligned to 16 bytes";
    return run.is_depthwise() ? run_with<DepthwiseKernel>(run, padding_zero_point, context)
                              : run_with<DenseKernel>(run, padding_zero_point, context);
}

void ConvBlock::compute_each(const Run& run, const Context& context) const {
    const auto pixels = [](const ort::Shape& x, const ort::Tensor& w, const Requantize& result) {
        static const Windows<2> pointwise;
        plan::ConvProblem problem = pointwise.problem(x, w.shape, 0, plan::DataType::int8);
        problem.clamps_above = result.clamps_above();
        return problem;
    };
    plan::ConvProblem first = pixels(run.x.shape, run.w[0], results[0]), second = run.window;
    // As converter/passes/finish/pad_at_producer.py has it: a value other than 0 costs the second more, but
    // nothing in the kernels for groups of few channels.
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
    const plan::Arguments last{window, steps[2].w, run.y.data, steps[2].epilogue, 0};
    if (addition)
        addition->run(third, last, run.residual.r, Step(context, 2));
    else
        run_aligned(third, last, Step(context, 2));
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
