#include "ops/norm/dynamic_normalization.h"

#include "kernels/norm/dynamic_normalize.h"
#include "plan/tuning/explanation.h"

namespace qudnn::ops {

namespace {

// What both ops do around their kernel. gamma is the index of the first of the last four inputs, y that of
// the first of the last four outputs.
class Normalization {
  public:
    Normalization(Context& context, const AppendedChannels& appended, size_t gamma, size_t y)
        : x_(context.input(0).shape),
          geometry_{rows(x_), appended.taken(x_), appended.taken(x_) + appended.padding},
          gamma_(of_channels(context.input(gamma), geometry_.channels,
                             "gamma does not have a value for each channel")),
          beta_(of_channels(context.input(gamma + 1), geometry_.channels,
                            "beta does not have a value for each channel")),
          y_(context.optional_output(y, x_).as<float>()),
          result_(context, gamma + 2, y + 1, appended.result(x_)) {
        if (context.configuration().explain)
            plan::explain_slow_kernel(context, "in one pass", kernels::dynamic_normalize_refusal(geometry_));
        if (y_ != nullptr || !kernels::needs_y(geometry_)) return;
        unwanted_ = context.workspace(static_cast<size_t>(x_.count()) * sizeof(float));
        y_ = static_cast<float*>(unwanted_->data());
    }

    const ort::Shape& shape() const { return x_; }
    const kernels::ToIslandGeometry& geometry() const { return geometry_; }
    const float* gamma() const { return gamma_; }
    const float* beta() const { return beta_; }
    float* y() const { return y_; }
    const DynamicResult& result() const { return result_; }

    static void infer(const ort::InferenceContext& context, size_t gamma, size_t y) {
        const std::vector<ort::Dim> dims = context.input(0);
        AppendedChannels::all(context.attributes()).infer(context, ort::ElementType::int8, y + 1);
        DynamicResult::infer(context, gamma + 2, y + 1);
        if (dims.empty()) return;
        for (size_t i = 0; i <= y; ++i) context.set_output(i, ort::ElementType::float32, dims);
    }

  private:
    ort::Shape x_;
    kernels::ToIslandGeometry geometry_;
    const float *gamma_, *beta_;
    std::unique_ptr<plan::Workspace> unwanted_;
    float* y_;
    DynamicResult result_;

    static int64_t rows(const ort::Shape& x) {
        require(x.rank() >= 1 && x.back() > 0, "x has no channels");
        return x.count() / x.back();
    }
};

}  // namespace

DynamicLayerNormalizationToIsland::DynamicLayerNormalizationToIsland(const ort::Attributes& attributes)
    : appended(AppendedChannels::all(attributes)), epsilon(attributes.real("epsilon")) {}

void DynamicLayerNormalizationToIsland::compute(Context& context) const {
    const Normalization n(context, appended, 1, 0);
    check_cuda(kernels::dynamic_layer_normalization_to_island(
        n.geometry(), epsilon, context.input(0).as<const float>(), n.gamma(), n.beta(), n.result().y(),
        {nullptr, n.y()}, n.result().epilogue(), context.stream()));
}

void DynamicLayerNormalizationToIsland::infer(const ort::InferenceContext& context) {
    Normalization::infer(context, 1, 0);
}

DynamicAddLayerNormalizationToIsland::DynamicAddLayerNormalizationToIsland(const ort::Attributes& attributes)
    : appended(AppendedChannels::all(attributes)), epsilon(attributes.real("epsilon")) {}

void DynamicAddLayerNormalizationToIsland::compute(Context& context) const {
    const ort::Tensor a = context.input(0), b = context.input(1);
    require(a.shape == b.shape, "b does not have a's shape");
    const Normalization n(context, appended, 2, 1);
    auto* total = context.optional_output(0, a.shape).as<float>();
    check_cuda(kernels::dynamic_add_layer_normalization_to_island(
        n.geometry(), epsilon, a.as<const float>(), b.as<const float>(), n.gamma(), n.beta(), n.result().y(),
        {total, n.y()}, n.result().epilogue(), context.stream()));
}

void DynamicAddLayerNormalizationToIsland::infer(const ort::InferenceContext& context) {
    Normalization::infer(context, 2, 1);
}

}  // namespace qudnn::ops
