#include "engines/native/native_depthwise.h"

#include "engines/native/native.h"
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

bool NativeDepthwise::takes(const plan::Problem& problem) const {
    const auto* conv = std::get_if<plan::ConvProblem>(&problem);
    return conv != nullptr && !conv->adds && conv->y_type == plan::DataType::int8 &&
           kernels::depthwise_refusal(geometry(*conv)).empty();
}

std::vector<plan::Candidate> NativeDepthwise::candidates(const plan::Problem& problem, cudnnContext*) const {
    const plan::ConvProblem& conv = std::get<plan::ConvProblem>(problem);
    if (!conv.dense()) throw plan::Unsupported("strided input");
    if (conv.alignment < plan::kFullAlignment) throw plan::Unsupported("unaligned pointers");
    std::vector<plan::Candidate> candidates;
    for (const kernels::DepthwiseVariant& variant : kernels::depthwise_variants(geometry(conv))) {
        plan::Candidate candidate;
        candidate.name = std::string(name()) + " " + variant.text();
        candidate.build = [label = candidate.name, conv, variant] {
            return std::make_shared<NativeDepthwisePlan>(label, geometry(conv), variant);
        };
        candidates.push_back(std::move(candidate));
    }
    return candidates;
}

}  // namespace qudnn::engines
