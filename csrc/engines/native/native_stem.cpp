#include "engines/native/native_stem.h"

#include <algorithm>

#include "engines/native/native.h"
#include "kernels/conv/stem.h"

namespace qudnn::engines {

namespace {

constexpr size_t kMostCandidates = 6;  // the others are far slower

class NativeStemPlan final : public plan::Plan {
  public:
    NativeStemPlan(const std::string& name, const kernels::ConvGeometry& geometry,
                   const kernels::StemVariant& variant)
        : Plan(name, 0), geometry_(geometry), variant_(variant) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        plan::check_cuda(kernels::stem(geometry_, variant_, a.x_zero_point, a.x, a.w, a.epilogue,
                                       static_cast<int8_t*>(a.y), launch.stream));
    }

  private:
    kernels::ConvGeometry geometry_;
    kernels::StemVariant variant_;
};

}  // namespace

std::string NativeStem::refusal(const plan::Problem& problem) const {
    const auto* conv = std::get_if<plan::ConvProblem>(&problem);
    if (conv == nullptr) return "no convolution";
    if (conv->deep()) return "three dimensions";
    if (conv->c != 4) return "not 4 channels";
    if (conv->y_type != plan::DataType::int8) return "results that are not int8";
    if (conv->adds) return "a residual";
    return {};
}

std::vector<plan::Candidate> NativeStem::candidates(const plan::Problem& problem, cudnnContext*) const {
    const plan::ConvProblem& conv = std::get<plan::ConvProblem>(problem);
    if (!conv.dense()) throw plan::Unsupported("strided input");
    require_aligned(conv.alignment);
    const kernels::ConvGeometry g = geometry(conv);
    require_none(kernels::stem_refusal(g));
    std::vector<kernels::StemVariant> variants = kernels::stem_variants(g, conv.looks_up);
    variants.resize(std::min(variants.size(), kMostCandidates));
    return variant_candidates(
        name(), variants,
        [](const auto& v) {
            return "columns=" + std::to_string(v.columns) + " rows=" + std::to_string(v.rows);
        },
        [g](const std::string& label, const auto& variant) {
            return std::make_shared<NativeStemPlan>(label, g, variant);
        });
}

}  // namespace qudnn::engines
