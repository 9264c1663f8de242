#include "ops/norm/normalize_to_island.h"

#include "kernels/norm/add_rms_normalization.h"

namespace qudnn::ops {

namespace {

kernels::ToIslandScales read_scales(const ort::Attributes& attributes) {
    return {attributes.real("q_scale"), attributes.integer("q_zero_point", -128, 127),
            attributes.real("epsilon")};
}

// The shape of x's first channels.
ort::Shape taken(const ort::Shape& x, int64_t channels) {
    ort::Shape shape = x;
    shape[shape.rank() - 1] = channels;
    return shape;
}

void infer_results(const ort::InferenceContext& context, const AppendedChannels& appended,
                   const Signature& signature) {
    const size_t last = signature.outputs.size() - 1;
    appended.infer(context, signature.outputs[last], last);
    std::vector<ort::Dim> dims = context.input(0);
    if (dims.empty()) return;
    dims.back() = dims.back().first(appended.channels);
    for (size_t i = 0; i < last; ++i) context.set_output(i, signature.outputs[i], dims);
}

}  // namespace

LayerNormalizationToIsland::LayerNormalizationToIsland(const ort::Attributes& attributes)
    : appended(AppendedChannels::all(attributes)), scales(read_scales(attributes)) {}

void LayerNormalizationToIsland::compute(Context& context) const {
    const ort::Tensor x = context.input(0);
    const int64_t channels = appended.taken(x.shape);
    const float* gamma =
        of_channels(context.input(1), channels, "gamma does not have a value for each channel");
    const float* beta =
        of_channels(context.input(2), channels, "beta does not have a value for each channel");
    auto* y = context.optional_output(0, x.shape).as<float>();
    const ort::Tensor q = context.output(1, appended.result(x.shape));
    if (q.shape.count() == 0) return;
    require(channels > 0, "x has no channels");
    const kernels::ToIslandGeometry g{q.shape.count() / q.shape.back(), channels, q.shape.back()};
    check_cuda(kernels::layer_normalization_to_island(g, scales, x.as<const float>(), gamma, beta,
                                                      q.as<int8_t>(), y, context.stream()));
}

void LayerNormalizationToIsland::infer(const ort::InferenceContext& context) {
    infer_results(context, AppendedChannels::all(context.attributes()), kSignature);
}

SumToIsland::SumToIsland(const ort::Attributes& attributes)
    : appended(attributes),
      scales(read_scales(attributes)),
      x_scale(attributes.real("x_scale")),
      residual_scale(attributes.real("residual_scale")),
      x_zero_point(attributes.integer("x_zero_point", -128, 127)),
      residual_zero_point(attributes.integer("residual_zero_point", -128, 127)) {}

// run(geometry, x, bias, residual, gamma, q, results) enqueues the kernel; residual is of either kind.
template <typename Run>
void SumToIsland::compute_with(Context& context, Run run) const {
    const ort::Tensor x = context.input(0), residual = context.input(2);
    const int64_t channels = appended.taken(x.shape);
    const float* bias =
        of_channels(context.input(1), channels, "bias does not have a value for each channel");
    const float* gamma =
        of_channels(context.input(3), channels, "gamma does not have a value for each channel");
    require(residual.shape.rank() == x.shape.rank() &&
                taken(residual.shape, appended.taken(residual.shape)) == taken(x.shape, channels),
            "residual does not have x's shape");
    const ort::Shape outside = taken(x.shape, channels);
    const kernels::FloatResults results{context.optional_output(0, outside).as<float>(),
                                        context.optional_output(1, outside).as<float>()};
    const ort::Tensor q = context.output(2, appended.result(x.shape));
    if (q.shape.count() == 0) return;
    require(channels > 0, "x has no channels");
    const kernels::ToIslandGeometry g{q.shape.count() / q.shape.back(), channels, q.shape.back()};
    const kernels::DequantizedRows rows{x.as<const int8_t>(), x.shape.back(), x_scale, x_zero_point};
    if (residual.type == ort::ElementType::int8) {
        const kernels::DequantizedRows r{residual.as<const int8_t>(), residual.shape.back(), residual_scale,
                                         residual_zero_point};
        check_cuda(run(g, rows, bias, r, gamma, q.as<int8_t>(), results));
        return;
    }
    require(residual.type == ort::ElementType::float32, "residual is neither int8 nor float32");
    require(residual.shape.back() == channels, "the channels of residual and x differ");
    const kernels::FloatRows r{residual.as<const float>(), residual_scale,
                               static_cast<float>(residual_zero_point)};
    check_cuda(run(g, rows, bias, r, gamma, q.as<int8_t>(), results));
}

void AddLayerNormalizationToIsland::compute(Context& context) const {
    const float* beta = of_channels(context.input(4), appended.taken(context.input(0).shape),
                                    "beta does not have a value for each channel");
    compute_with(context, [&](const auto& g, const auto& x, const float* bias, const auto& residual,
                              const float* gamma, int8_t* q, const auto& results) {
        return kernels::add_layer_normalization_to_island(g, scales, x, bias, residual, gamma, beta, q,
                                                          results, context.stream());
    });
}

void AddLayerNormalizationToIsland::infer(const ort::InferenceContext& context) {
    infer_results(context, AppendedChannels(context.attributes()), kSignature);
}

void AddRMSNormalizationToIsland::compute(Context& context) const {
    compute_with(context, [&](const auto& g, const auto& x, const float* bias, const auto& residual,
                              const float* gamma, int8_t* q, const auto& results) {
        return kernels::add_rms_normalization_to_island(g, scales, x, bias, residual, gamma, q, results,
                                                        context.stream());
    });
}

void AddRMSNormalizationToIsland::infer(const ort::InferenceContext& context) {
    infer_results(context, AppendedChannels(context.attributes()), kSignature);
}

}  // namespace qudnn::ops
