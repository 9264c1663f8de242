#include "engines/composed/separate_residual.h"

#include <string_view>
#include <utility>

#include "kernels/elementwise/add.h"
#include "kernels/elementwise/float_residual.h"
#include "plan/cuda_error.h"

namespace qudnn::engines {

namespace {

using plan::ConvProblem;

constexpr std::string_view kPrefix = "separate_residual of ";

// What the other engine computes: results in y, or the sums where they are added to before they are rounded.
ConvProblem alone(ConvProblem conv) {
    if (conv.adds == plan::adds_in_float) {
        conv.y_type = plan::DataType::int32;
        conv.clamps_above = false;
    }
    conv.adds = plan::adds_nothing;
    return conv;
}

// Of the sums in the workspace; that of the plan lies after them.
size_t sum_bytes(const ConvProblem& conv) {
    if (conv.adds != plan::adds_in_float) return 0;
    return static_cast<size_t>((plan::y_bytes(alone(conv)) + 255) / 256 * 256);
}

class SeparateResidualPlan final : public plan::Plan {
  public:
    SeparateResidualPlan(std::shared_ptr<const plan::Plan> inner, const ConvProblem& conv)
        : Plan(std::string(kPrefix) + inner->name(), sum_bytes(conv) + inner->workspace_size()),
          elements_(conv.y_elements()),
          k_(conv.k),
          sum_bytes_(sum_bytes(conv)),
          inner_(std::move(inner)) {}

    void execute(const plan::Launch& launch, const plan::Arguments& arguments,
                 void* workspace) const override {
        plan::Arguments inner = arguments;
        inner.residual = {};
        if (sum_bytes_ > 0) {
            inner.y = workspace;
            inner_->execute(launch, inner, static_cast<int8_t*>(workspace) + sum_bytes_);
            return plan::check_cuda(kernels::end_with_residual(
                elements_, k_, static_cast<const int32_t*>(workspace), arguments.epilogue, arguments.residual,
                static_cast<int8_t*>(arguments.y), launch.stream));
        }
        inner_->execute(launch, inner, workspace);
        plan::check_cuda(kernels::add_residual(elements_, arguments.residual,
                                               static_cast<int8_t*>(arguments.y), launch.stream));
    }

    std::string serialize() const override { return inner_->serialize(); }

  private:
    int64_t elements_, k_;
    size_t sum_bytes_;
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
    if (sum_bytes(conv) > 0 && conv.k % 4 != 0) throw plan::Unsupported("channels not in fours");
    std::vector<plan::Candidate> all;
    std::string reasons;
    for (const plan::Engine* engine : inner_engines(problem)) {
        try {
            for (plan::Candidate& candidate : engine->candidates(alone(conv), cudnn)) {
                candidate.name.insert(0, kPrefix);
                candidate.workspace_size += sum_bytes(conv);
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
