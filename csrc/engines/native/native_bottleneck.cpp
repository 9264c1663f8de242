#include "engines/native/native_bottleneck.h"

#include "engines/native/whole_block.h"
#include "kernels/bottleneck/bottleneck.h"
#include "plan/common/memo.h"

namespace qudnn::engines {

namespace {

class NativeBottleneckPlan final : public plan::Plan {
  public:
    NativeBottleneckPlan(const std::string& name, const kernels::Bottleneck& geometry,
                         const kernels::BottleneckVariant& variant)
        : Plan(name, 0), geometry_(geometry), variant_(variant) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        plan::check_cuda(kernels::bottleneck(
            geometry_, a.x, steps_of(a), a.x_zero_point, a.residual, static_cast<int8_t*>(a.y),
            launch.memo != nullptr ? &launch.memo->maps : nullptr, launch.stream, &variant_));
    }

  private:
    kernels::Bottleneck geometry_;
    kernels::BottleneckVariant variant_;
};

}  // namespace

std::string NativeBottleneck::refusal(const plan::Problem& problem) const {
    const auto* block = std::get_if<plan::BlockProblem>(&problem);
    if (block == nullptr) return "no residual block";
    if (block->depthwise) return "a window over each channel by itself";
    return addition_refusal(*block);
}

std::vector<plan::Candidate> NativeBottleneck::candidates(const plan::Problem& problem, cudnnContext*) const {
    const auto& block = std::get<plan::BlockProblem>(problem);
    require_aligned(block.alignment);
    require_none(whole_block_refusal(block));
    const auto g = geometry_of<kernels::Bottleneck>(block);
    return variant_candidates(
        name(), likely(kernels::bottleneck_variants(g)),
        [](const auto& v) {
            return "lines=" + std::to_string(v.lines) + " columns=" + std::to_string(v.columns) +
                   " width=" + std::to_string(v.width) + " resident=" + std::to_string(v.resident);
        },
        [g](const std::string& label, const auto& variant) {
            return std::make_shared<NativeBottleneckPlan>(label, g, variant);
        });
}

}  // namespace qudnn::engines
