#include "engines/composed/padded_plan.h"

#include <string_view>
#include <utility>

#include "plan/common/cuda_error.h"

namespace qudnn::engines {

namespace {

constexpr std::string_view kSuffix = " on padded input";

// Bytes of the padded input in the workspace; the workspace of the conv follows it.
size_t rounded(const Padding& padding) { return (padding.bytes + 255) / 256 * 256; }

class PaddedPlan final : public plan::Plan {
  public:
    PaddedPlan(std::shared_ptr<const plan::Plan> conv, const Padding& padding)
        : Plan(conv->name() + std::string(kSuffix), rounded(padding) + conv->workspace_size()),
          padding_(padding),
          conv_(std::move(conv)) {}

    void execute(const plan::Launch& launch, const plan::Arguments& arguments,
                 void* workspace) const override {
        auto* padded = static_cast<int8_t*>(workspace);
        plan::check_cuda(
            padding_.write(static_cast<int8_t>(arguments.x_zero_point), arguments.x, padded, launch.stream));
        plan::Arguments inner = arguments;
        inner.x = padded;
        conv_->execute(launch, inner, padded + rounded(padding_));
    }

    std::string serialize() const override { return conv_->serialize(); }

  private:
    Padding padding_;
    std::shared_ptr<const plan::Plan> conv_;
};

}  // namespace

std::shared_ptr<const plan::Plan> on_padded_input(std::shared_ptr<const plan::Plan> conv,
                                                  const Padding& padding) {
    return std::make_shared<PaddedPlan>(std::move(conv), padding);
}

std::vector<plan::Candidate> on_padded_input(std::vector<plan::Candidate> candidates,
                                             const Padding& padding) {
    for (plan::Candidate& candidate : candidates) {
        candidate.name += kSuffix;
        candidate.workspace_size += rounded(padding);
        candidate.build = [padding, build = std::move(candidate.build)] {
            return on_padded_input(build(), padding);
        };
    }
    return candidates;
}

std::string name_on_padded_input(const std::string& plan_name) {
    if (!plan_name.ends_with(kSuffix)) return {};
    return plan_name.substr(0, plan_name.size() - kSuffix.size());
}

}  // namespace qudnn::engines
