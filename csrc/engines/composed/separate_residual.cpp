#include "engines/composed/separate_residual.h"

#include <string_view>
#include <utility>

#include "kernels/elementwise/add.h"
#include "plan/cuda_error.h"

namespace qudnn::engines {

namespace {

using plan::ConvProblem;

constexpr std::string_view kPrefix = "separate_residual of ";

ConvProblem alone(ConvProblem conv) {
    conv.adds = false;
    return conv;
}

class SeparateResidualPlan final : public plan::Plan {
  public:
    SeparateResidualPlan(std::shared_ptr<const plan::Plan> inner, const ConvProblem& conv)
        : Plan(std::string(kPrefix) + inner->name(), inner->workspace_size()),
          elements_(conv.y_elements()),
          inner_(std::move(inner)) {}

    void execute(const plan::Launch& launch, const plan::Arguments& arguments,
                 void* workspace) const override {
        plan::Arguments inner = arguments;
        inner.residual = {};
        inner_->execute(launch, inner, workspace);
        plan::check_cuda(kernels::add_residual(elements_, arguments.residual,
                                               static_cast<int8_t*>(arguments.y), launch.stream));
    }

    std::string serialize() const override { return inner_->serialize(); }

  private:
    int64_t elements_;
    std::shared_ptr<const plan::Plan> inner_;
};

std::vector<const plan::Engine*> inner_engines(const plan::Problem& problem) {
    const plan::Problem inner = alone(std::get<ConvProblem>(problem));
    std::vector<const plan::Engine*> found;
    for (const plan::Engine* engine : plan::engines()) {
        if (!engine->native() && engine->takes(inner) && !engine->takes(problem)) found.push_back(engine);
    }
    return found;
}

}  // namespace

int SeparateResidual::revision() const {
    int sum = 1;
    for (const plan::Engine* engine : plan::engines()) {
        const std::string_view other = engine->name();
        sum += other == name() || other == "padded_result" ? 0 : engine->revision();
    }
    return sum;
}

bool SeparateResidual::takes(const plan::Problem& problem) const {
    const auto* conv = std::get_if<ConvProblem>(&problem);
    return conv != nullptr && conv->adds;
}

std::vector<plan::Candidate> SeparateResidual::candidates(const plan::Problem& problem,
                                                          cudnnContext* cudnn) const {
    const ConvProblem& conv = std::get<ConvProblem>(problem);
    std::vector<plan::Candidate> all;
    std::string reasons;
    for (const plan::Engine* engine : inner_engines(problem)) {
        try {
            for (plan::Candidate& candidate : engine->candidates(alone(conv), cudnn)) {
                candidate.name.insert(0, kPrefix);
                candidate.build = [conv, build = std::move(candidate.build)] {
                    return std::make_shared<SeparateResidualPlan>(build(), conv);
                };
                all.push_back(std::move(candidate));
            }
        } catch (const plan::Unsupported& e) {
            reasons += (reasons.empty() ? "" : "; ") + std::string(engine->name()) + ": " + e.what();
        }
    }
    if (all.empty()) throw plan::Unsupported(reasons);
    return all;
}

std::shared_ptr<const plan::Plan> SeparateResidual::restore(const plan::Problem& problem,
                                                            const std::string& plan_name,
                                                            const std::string& serialized,
                                                            cudnnContext* cudnn) const {
    if (!plan_name.starts_with(kPrefix)) return nullptr;
    const ConvProblem& conv = std::get<ConvProblem>(problem);
    const std::string inner_name = plan_name.substr(kPrefix.size());
    for (const plan::Engine* engine : inner_engines(problem)) {
        if (!inner_name.starts_with(std::string(engine->name()) + " ")) continue;
        auto inner = engine->restore(alone(conv), inner_name, serialized, cudnn);
        return inner ? std::make_shared<SeparateResidualPlan>(std::move(inner), conv) : nullptr;
    }
    return nullptr;
}

}  // namespace qudnn::engines
