#include "engines/native/native_stem.h"

#include "engines/native/native.h"
#include "kernels/conv/stem.h"

namespace qudnn::engines {

namespace {

constexpr size_t kMostCandidates = 6;  // the others are far behind

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

bool NativeStem::takes(const plan::Problem& problem) const {
    const auto* conv = std::get_if<plan::ConvProblem>(&problem);
    return conv != nullptr && !conv->deep() && conv->c == 4 && !conv->adds &&
           conv->y_type == plan::DataType::int8;
}

std::vector<plan::Candidate> NativeStem::candidates(const plan::Problem& problem, cudnnContext*) const {
    const plan::ConvProblem& c = std::get<plan::ConvProblem>(problem);
    if (!c.dense()) throw plan::Unsupported("strided input");
    if (c.alignment < plan::kFullAlignment) throw plan::Unsupported("unaligned pointers");
    std::vector<plan::Candidate> candidates;
    for (const kernels::StemVariant& variant : kernels::stem_variants(geometry(c))) {
        if (candidates.size() == kMostCandidates) break;
        plan::Candidate candidate;
        candidate.name = std::string(name()) + " columns=" + std::to_string(variant.columns) +
                         " rows=" + std::to_string(variant.rows);
        candidate.build = [label = candidate.name, c, variant] {
            return std::make_shared<NativeStemPlan>(label, geometry(c), variant);
        };
        candidates.push_back(std::move(candidate));
    }
    if (candidates.empty()) throw plan::Unsupported("a filter or stride too large, or a GPU too old");
    return candidates;
}

}  // namespace qudnn::engines
