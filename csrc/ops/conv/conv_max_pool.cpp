#include "ops/conv/conv_max_pool.h"

#include "engines/native/native.h"
#include "kernels/border/half_image.h"
#include "ops/shared/window.h"
#include "plan/tuning/explanation.h"

namespace qudnn::ops {

namespace {

constexpr int64_t kChannels = 3, kChannelsInside = 4;  // of an image

constexpr const char* kFused = "with the pool in the convolution";
constexpr const char* kFusedEntry = "with quantization and pool in the convolution";

// y's pointer is aligned by the allocator, like those of all tensors that are not views.
std::string misaligned(const plan::Arguments& arguments) {
    return plan::alignment_of(arguments) < plan::kFullAlignment ? "a pointer is not aligned to 16 bytes" : "";
}

kernels::BorderGeometry entry(const plan::ConvProblem& conv) {
    const int64_t plane = conv.h * conv.w;
    return {.rank = 4,
            .inside = {conv.n, conv.h, conv.w, kChannelsInside},
            .before = {},
            .extent = {conv.n, conv.h, conv.w, kChannels},
            .outside_stride = {kChannels * plane, conv.w, 1, plane}};
}

// As the kernel quantizes it, fill included.
cudaError_t quantize(const kernels::BorderGeometry& g, const kernels::StemImage& image, int zero_point,
                     int8_t* y, cudaStream_t stream) {
    if (image.half)
        return kernels::quantize_half_image_to_island(g, image.scale, zero_point, image.x, y, stream);
    const auto* const x = static_cast<const float*>(image.x);
    return image.rounds ? kernels::quantize_rounded_to_island(g, image.scale, zero_point, x, y, stream)
                        : kernels::quantize_to_island(g, image.scale, zero_point, x, y, stream);
}

}  // namespace

ConvMaxPool::ConvMaxPool(const ort::Attributes& attributes)
    : windows(attributes, true),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      requantize(attributes),
      kernel(attributes.extents<2>("kernel_shape", 1)),
      pool_strides(attributes.extents<2>("pool_strides", 1)),
      pool_pads(attributes.extents<4>("pool_pads", 0)),
      y_padding(output_padding(attributes)) {}

plan::ConvProblem ConvMaxPool::problem(const ort::Shape& x, const ort::Shape& w) const {
    plan::ConvProblem problem = windows.problem(x, w, x_zero_point, plan::DataType::int8);
    problem.clamps_above = requantize.clamps_above();
    plan::check_sizes(problem);  // its results are no tensor, whose size would have been checked
    return problem;
}

kernels::PoolGeometry ConvMaxPool::pool(const plan::ConvProblem& conv) const {
    return {.n = conv.n,
            .h = conv.p,
            .w = conv.q,
            .c = conv.k,
            .p = window_count(conv.p, pool_pads[0], pool_pads[2], kernel[0], pool_strides[0], 1),
            .q = window_count(conv.q, pool_pads[1], pool_pads[3], kernel[1], pool_strides[1], 1),
            .r = kernel[0],
            .s = kernel[1],
            .pad_top = pool_pads[0],
            .pad_left = pool_pads[1],
            .stride_h = pool_strides[0],
            .stride_w = pool_strides[1],
            .dilation_h = 1,
            .dilation_w = 1,
            .y_padding = y_padding};
}

plan::Arguments ConvMaxPool::arguments(Context& context, const plan::ConvProblem& conv) const {
    const kernels::PoolGeometry geometry = pool(conv);
    const kernels::Epilogue epilogue = requantize.epilogue(context.input(2), context.input(3), conv.k);
    const ort::Tensor y =
        context.output(0, padded(ort::Shape{geometry.n, geometry.p, geometry.q, geometry.c}, y_padding));
    return {nullptr, context.input(1).as<const int8_t>(), y.shape.count() == 0 ? nullptr : y.data, epilogue,
            x_zero_point};
}

void ConvMaxPool::run(const plan::ConvProblem& conv, const plan::Arguments& arguments,
                      Context& context) const {
    const kernels::PoolGeometry geometry = pool(conv);
    std::string refusal = kernels::stem_pool_refusal(engines::geometry(conv), geometry);
    if (refusal.empty()) refusal = misaligned(arguments);
    auto* const y = static_cast<int8_t*>(arguments.y);
    if (refusal.empty())
        return check_cuda(kernels::stem_pool(engines::geometry(conv), geometry, x_zero_point, arguments.x,
                                             arguments.w, arguments.epilogue, y, context.stream()));

    plan::explain_slow_kernel(context, kFused, refusal);
    const std::unique_ptr<plan::Workspace> results =
        context.workspace(static_cast<size_t>(plan::y_bytes(conv)));
    plan::Arguments of_conv = arguments;
    of_conv.y = results->data();
    run_aligned(conv, of_conv, context);
    check_cuda(kernels::max_pool(geometry, arguments.epilogue.zero_point,
                                 static_cast<const int8_t*>(of_conv.y), y, context.stream()));
}

void ConvMaxPool::infer(const std::vector<ort::Dim>& x, const ort::InferenceContext& context) const {
    const std::vector<ort::Dim> w = context.input(1);
    if (x.size() != 4 || w.size() != 4) return;
    const auto size = [&](size_t axis) {
        const ort::Dim& taps = w[axis + 1];
        if (taps.extent < 0) return ort::Dim{};
        const ort::Dim conv = window_dim(x[axis + 1], windows.pads[axis], windows.pads[axis + 2], taps.extent,
                                         windows.strides[axis], windows.dilations[axis]);
        return window_dim(conv, pool_pads[axis], pool_pads[axis + 2], kernel[axis], pool_strides[axis], 1);
    };
    context.set_output(0, ort::ElementType::int8, padded({x[0], size(0), size(1), w[0]}, y_padding));
}

void QConvMaxPool::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const plan::ConvProblem problem = inside.problem(x.shape, context.input(1).shape);
    plan::Arguments arguments = inside.arguments(context, problem);
    if (arguments.y == nullptr) return;
    arguments.x = x.as<const int8_t>();
    inside.run(problem, arguments, context);
}

void QConvMaxPool::infer(const ort::InferenceContext& context) {
    ConvMaxPool(context.attributes()).infer(context.input(0), context);
}

ConvMaxPoolToIsland::ConvMaxPoolToIsland(const ort::Attributes& attributes)
    : inside(attributes), x_scale(attributes.real("x_scale")) {
    constexpr auto kWhole = static_cast<int64_t>(ort::ElementType::float32);
    constexpr auto kHalf = static_cast<int64_t>(ort::ElementType::float16);
    const int64_t type = attributes.optional_integer("x_dtype", kWhole);
    require(type == kWhole || type == kHalf, "x_dtype is neither float32 nor float16");
    rounds = type == kHalf;
}

void ConvMaxPoolToIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const bool half = x.type == ort::ElementType::float16;
    require(half || x.type == ort::ElementType::float32, "x is neither float32 nor float16");
    require(x.shape.rank() == 4 && x.shape[1] == kChannels, "x is no image of 3 channels");
    const plan::ConvProblem problem =
        inside.problem({x.shape[0], x.shape[2], x.shape[3], kChannelsInside}, context.input(1).shape);
    plan::Arguments arguments = inside.arguments(context, problem);
    if (arguments.y == nullptr) return;
    const kernels::ConvGeometry conv = engines::geometry(problem);
    const kernels::PoolGeometry pool = inside.pool(problem);
    const kernels::StemImage image{x.data, half, rounds && !half, kChannels, x_scale};
    std::string refusal = kernels::stem_pool_refusal(conv, pool, image);
    if (refusal.empty()) refusal = misaligned(arguments);
    if (refusal.empty() && plan::alignment_of({x.data}) < plan::kFullAlignment)
        refusal = "the image is not aligned to 16 bytes";
    if (refusal.empty())
        return check_cuda(kernels::stem_pool(conv, pool, inside.x_zero_point, image, arguments.w,
                                             arguments.epilogue, static_cast<int8_t*>(arguments.y),
                                             context.stream()));

    plan::explain_slow_kernel(context, kFusedEntry, refusal);
    const std::unique_ptr<plan::Workspace> entered =
        context.workspace(static_cast<size_t>(problem.n * problem.h * problem.w * kChannelsInside));
    auto* const quantized = static_cast<int8_t*>(entered->data());
    if (problem.n * problem.h * problem.w > 0)
        check_cuda(quantize(entry(problem), image, inside.x_zero_point, quantized, context.stream()));
    arguments.x = quantized;
    inside.run(problem, arguments, context);
}

void ConvMaxPoolToIsland::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    if (x.size() != 4) return;
    ConvMaxPool(context.attributes()).infer({x[0], x[2], x[3], ort::Dim::of(kChannelsInside)}, context);
}

}  // namespace qudnn::ops
