#include "engines/composed/padded_result.h"

#include <string_view>
#include <utility>

#include "kernels/conv/pad.h"
#include "plan/cuda_error.h"

namespace qudnn::engines {

namespace {

using plan::ConvProblem;

constexpr std::string_view kPrefix = "padded_result of ";

ConvProblem dense(ConvProblem conv) {
    conv.y_padding = {};
    return conv;
}

// Of the dense result in the workspace; that of the plan lies after it.
size_t dense_bytes(const ConvProblem& conv) {
    return static_cast<size_t>((dense(conv).y_elements() + 255) / 256 * 256);
}

class PaddedResultPlan final : public plan::Plan {
  public:
    PaddedResultPlan(std::shared_ptr<const plan::Plan> inner, const ConvProblem& conv)
        : Plan(std::string(kPrefix) + inner->name(), dense_bytes(conv) + inner->workspace_size()),
          conv_(conv),
          inner_(std::move(inner)) {}

    void execute(const plan::Launch& launch, const plan::Arguments& arguments,
                 void* workspace) const override {
        auto* result = static_cast<int8_t*>(workspace);
        plan::Arguments inner = arguments;
        inner.y = result;
        inner_->execute(launch, inner, result + dense_bytes(conv_));
        const kernels::OutputPadding& padding = conv_.y_padding;
        plan::check_cuda(kernels::pad(conv_.n, {1, conv_.p, conv_.q}, conv_.k, {0, padding.top, padding.left},
                                      {0, padding.bottom, padding.right},
                                      static_cast<int8_t>(arguments.epilogue.zero_point), result,
                                      static_cast<int8_t*>(arguments.y), launch.stream));
    }

    std::string serialize() const override { return inner_->serialize(); }

  private:
    ConvProblem conv_;
    std::shared_ptr<const plan::Plan> inner_;
};

std::vector<const plan::Engine*> inner_engines(const plan::Problem& problem) {
    const plan::Problem inner = dense(std::get<ConvProblem>(problem));
    std::vector<const plan::Engine*> found;
    for (const plan::Engine* engine : plan::engines()) {
        if (!engine->native() && engine->takes(inner) && !engine->takes(problem)) found.push_back(engine);
    }
    return found;
}

}  // namespace

int PaddedResult::revision() const {
    int sum = 1;
    for (const plan::Engine* engine : plan::engines()) sum += engine == this ? 0 : engine->revision();
    return sum;
}

bool PaddedResult::takes(const plan::Problem& problem) const {
    const auto* conv = std::get_if<ConvProblem>(&problem);
    return conv != nullptr && conv->y_padding.any();
}

std::vector<plan::Candidate> PaddedResult::candidates(const plan::Problem& problem,
                                                      cudnnContext* cudnn) const {
    const ConvProblem& conv = std::get<ConvProblem>(problem);
    std::vector<plan::Candidate> all;
    std::string reasons;
    for (const plan::Engine* engine : inner_engines(problem)) {
        try {
            for (plan::Candidate& candidate : engine->candidates(dense(conv), cudnn)) {
                candidate.name.insert(0, kPrefix);
                candidate.workspace_size += dense_bytes(conv);
                candidate.build = [conv, build = std::move(candidate.build)] {
                    return std::make_shared<PaddedResultPlan>(build(), conv);
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

std::shared_ptr<const plan::Plan> PaddedResult::restore(const plan::Problem& problem,
                                                        const std::string& plan_name,
                                                        const std::string& serialized,
                                                        cudnnContext* cudnn) const {
    if (!plan_name.starts_with(kPrefix)) return nullptr;
    const ConvProblem& conv = std::get<ConvProblem>(problem);
    const std::string inner_name = plan_name.substr(kPrefix.size());
    for (const plan::Engine* engine : inner_engines(problem)) {
        if (!inner_name.starts_with(std::string(engine->name()) + " ")) continue;
        auto inner = engine->restore(dense(conv), inner_name, serialized, cudnn);
        return inner ? std::make_shared<PaddedResultPlan>(std::move(inner), conv) : nullptr;
    }
    return nullptr;
}

}  // namespace qudnn::engines
