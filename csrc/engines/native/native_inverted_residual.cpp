#include "engines/native/native_inverted_residual.h"

#include "engines/native/whole_block.h"
#include "kernels/inverted_residual/inverted_residual.h"

namespace qudnn::engines {

namespace {

class NativeInvertedResidualPlan final : public plan::Plan {
  public:
    NativeInvertedResidualPlan(const std::string& name, const kernels::InvertedResidual& geometry,
                               const kernels::InvertedVariant& variant)
        : Plan(name, 0), geometry_(geometry), variant_(variant) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        plan::check_cuda(kernels::inverted_residual(geometry_, a.x, steps_of(a), a.x_zero_point, a.residual,
                                                    static_cast<int8_t*>(a.y), launch.stream, &variant_));
    }

  private:
    kernels::InvertedResidual geometry_;
    kernels::InvertedVariant variant_;
};

}  // namespace

std::string NativeInvertedResidual::refusal(const plan::Problem& problem) const {
    const auto* block = std::get_if<plan::BlockProblem>(&problem);
    if (block == nullptr) return "no residual block";
    if (!block->depthwise) return "a window over all channels";
    return addition_refusal(*block);
}

std::vector<plan::Candidate> NativeInvertedResidual::candidates(const plan::Problem& problem,
                                                                cudnnContext*) const {
    const auto& block = std::get<plan::BlockProblem>(problem);
    require_aligned(block.alignment);
    require_none(whole_block_refusal(block));
    const auto g = geometry_of<kernels::InvertedResidual>(block);
    return variant_candidates(
        name(), likely(kernels::inverted_residual_variants(g)),
        [](const auto& v) {
            return "lines=" + std::to_string(v.lines) + " blocks=" + std::to_string(v.blocks);
        },
        [g](const std::string& label, const auto& variant) {
            return std::make_shared<NativeInvertedResidualPlan>(label, g, variant);
        });
}

}  // namespace qudnn::engines
