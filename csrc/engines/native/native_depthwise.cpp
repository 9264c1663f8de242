#include "engines/native/native_depthwise.h"

#include "engines/native/native.h"
#include "kernels/common/refusal.h"
#include "kernels/conv/depthwise.h"

namespace qudnn::engines {

namespace {

class NativeDepthwisePlan final : public plan::Plan {
  public:
    NativeDepthwisePlan(const std::string& name, const kernels::ConvGeometry& geometry,
                        const kernels::DepthwiseVariant& variant)
        : Plan(name, 0), geometry_(geometry), variant_(variant) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        plan::check_cuda(kernels::depthwise(geometry_, variant_, a.x_zero_point, a.x, a.w, a.epilogue,
                                            static_cast<int8_t*>(a.y), launch.stream));
    }

  private:
    kernels::ConvGeometry geometry_;
    kernels::DepthwiseVariant variant_;
};

}  // namespace

std::string NativeDepthwise::refusal(const plan::Problem& problem) const {
    const auto* conv = std::get_if<plan::ConvProblem>(&problem);
    if (conv == nullptr) return "no convolution";
    if (conv->y_type != plan::DataType::int8) return "results that are not int8";
    if (conv->adds) return "a residual";
    if (!conv->dense()) return "strided input";
    return kernels::depthwise_refusal(geometry(*conv));
}

std::vector<plan::Candidate> NativeDepthwise::candidates(const plan::Problem& problem, cudnnContext*) const {
    const plan::ConvProblem& conv = std::get<plan::ConvProblem>(problem);
    require_aligned(conv.alignment);
    if (conv.group != conv.c) require_none(kernels::gpu_refusal(8));
    return variant_candidates(
        name(), kernels::depthwise_variants(geometry(conv), conv.looks_up),
        [](const auto& variant) { return variant.text(); },
        [g = geometry(conv)](const std::string& label, const auto& variant) {
            return std::make_shared<NativeDepthwisePlan>(label, g, variant);
        });
}

}  // namespace qudnn::engines
