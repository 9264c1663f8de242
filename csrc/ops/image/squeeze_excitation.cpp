#include "ops/image/squeeze_excitation.h"

#include "kernels/elementwise/mul.h"
#include "kernels/image/global_average_pool.h"
#include "ops/shared/binary.h"
#include "ops/shared/broadcast.h"
#include "plan/tuning/explanation.h"

namespace qudnn::ops {

namespace {

constexpr const char* kFused = "with all steps of the squeeze-and-excitation";

// Pointwise convolutions of one pixel an image.
void excite(const kernels::Excitation& e, int64_t n, int64_t c, int64_t k, int x_zero_point, const int8_t* x,
            int8_t* y, const Context& context) {
    plan::ConvProblem problem;
    problem.n = n, problem.c = c, problem.k = k;
    problem.x_stride = {c, c, c, 1};
    problem.clamps_above = e.epilogue.high < 127;
    problem.looks_up = true;
    run_aligned(problem, {x, e.w, y, e.epilogue, x_zero_point}, context);
}

}  // namespace

QSqueezeExcitation::QSqueezeExcitation(const ort::Attributes& attributes)
    : x_scale(attributes.real("x_scale")),
      mean_scale(attributes.real("mean_scale")),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      mean_zero_point(attributes.integer("mean_zero_point", -128, 127)),
      squeezed(attributes, "squeezed"),
      excited(attributes, "excited"),
      product(read_binary_scales(attributes)) {}

kernels::Excitation QSqueezeExcitation::layer(const Context& context, size_t first, int64_t k, int64_t c,
                                              const Requantize& requantize) {
    const ort::Tensor w = context.input(first);
    require(w.shape == ort::Shape{k, 1, 1, c}, "w does not have the shape of a pointwise convolution");
    kernels::Epilogue epilogue = requantize.epilogue(context.input(first + 1), context.input(first + 2), k);
    epilogue.table = table_entries(context.input(first + 3));
    return {w.as<const int8_t>(), epilogue};
}

void QSqueezeExcitation::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    require(x.shape.rank() == 4, "x has to be of rank 4");
    const ort::Tensor w = context.input(1);
    require(w.shape.rank() == 4, "w has to be of rank 4");
    const kernels::SqueezeExcitation s{.n = x.shape[0],
                                       .hw = x.shape[1] * x.shape[2],
                                       .c = x.shape[3],
                                       .k = w.shape[0],
                                       .x_scale = x_scale,
                                       .mean_scale = mean_scale,
                                       .x_zero_point = x_zero_point,
                                       .mean_zero_point = mean_zero_point,
                                       .product = product};
    const kernels::Excitation squeeze = layer(context, 1, s.k, s.c, squeezed);
    const kernels::Excitation excite = layer(context, 5, s.c, s.k, excited);
    const ort::Tensor y = context.output(0, x.shape);
    if (s.n * s.c == 0) return;
    require(s.hw > 0, "x has images without pixels");
    require(s.k > 0, "w has no output channels");
    std::string refusal = kernels::squeeze_excitation_refusal(s);
    for (const kernels::Excitation* e : {&squeeze, &excite})
        for (const void* pointer :
             {static_cast<const void*>(x.data), static_cast<const void*>(y.data),
              static_cast<const void*>(e->w), static_cast<const void*>(e->epilogue.bias),
              static_cast<const void*>(e->epilogue.multiplier), static_cast<const void*>(e->epilogue.table)})
            if (refusal.empty() && plan::alignment_of({pointer}) < plan::kFullAlignment)
                refusal = "a pointer is not aligned to 16 bytes";
    if (refusal.empty())
        return check_cuda(kernels::squeeze_excitation(s, x.as<const int8_t>(), squeeze, excite,
                                                      y.as<int8_t>(), context.stream()));
    plan::explain_slow_kernel(context, kFused, refusal);
    compute_each(s, squeeze, excite, x, y, context);
}

void QSqueezeExcitation::compute_each(const kernels::SqueezeExcitation& s, const kernels::Excitation& squeeze,
                                      const kernels::Excitation& excitation, const ort::Tensor& x,
                                      const ort::Tensor& y, const Context& context) const {
    // One for the means, which the gates replace, and one for what is between.
    const auto means = context.workspace(static_cast<size_t>(s.n * s.c));
    const auto between = context.workspace(static_cast<size_t>(s.n * s.k));
    auto* const of_channels = static_cast<int8_t*>(means->data());
    auto* const squeezed_values = static_cast<int8_t*>(between->data());
    check_cuda(kernels::global_average_pool(s.n, s.hw, s.c, x_scale, x_zero_point, mean_scale,
                                            mean_zero_point, x.as<const int8_t>(), of_channels,
                                            context.stream()));
    excite(squeeze, s.n, s.c, s.k, mean_zero_point, of_channels, squeezed_values, context);
    excite(excitation, s.n, s.k, s.c, 0, squeezed_values, of_channels, context);
    const ort::Shape gates{s.n, 1, 1, s.c};
    check_cuda(kernels::mul(broadcast_geometry<2>({x.shape, gates}, y.shape), product, x.as<const int8_t>(),
                            of_channels, y.as<int8_t>(), context.stream()));
}

void QSqueezeExcitation::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> x = context.input(0);
    if (x.size() == 4) context.set_output(0, kSignature.outputs[0], x);
}

}  // namespace qudnn::ops
