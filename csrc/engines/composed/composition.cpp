#include "engines/composed/composition.h"

#include <utility>

namespace qudnn::engines {

class Composition::CompletedPlan final : public plan::Plan {
  public:
    // NOTE: engines are never destroyed.
    CompletedPlan(const Composition& composition, std::shared_ptr<const plan::Plan> inner,
                  const plan::Problem& problem)
        : Plan(composition.prefix() + inner->name(),
               composition.own_workspace(problem) + inner->workspace_size()),
          composition_(composition),
          problem_(problem),
          inner_(std::move(inner)) {}

    void execute(const plan::Launch& launch, const plan::Arguments& arguments,
                 void* workspace) const override {
        composition_.execute(problem_, *inner_, launch, arguments, workspace);
    }

    std::string serialize() const override { return inner_->serialize(); }

  private:
    const Composition& composition_;
    plan::Problem problem_;
    std::shared_ptr<const plan::Plan> inner_;
};

int revision_of_simple_engines() {
    int sum = 1;
    for (const plan::Engine* engine : plan::engines()) {
        if (!engine->composed()) sum += engine->revision();
    }
    return sum;
}

std::vector<const plan::Engine*> Composition::inner_engines(const plan::Problem& problem) const {
    std::vector<const plan::Engine*> found;
    for (const plan::Engine* engine : plan::engines()) {
        if (!engine->native() && engine->takes(inner(problem)) && !engine->takes(problem))
            found.push_back(engine);
    }
    return found;
}

std::vector<plan::Candidate> Composition::candidates(const plan::Problem& problem,
                                                     cudnnContext* cudnn) const {
    std::vector<plan::Candidate> all;
    std::string reasons;
    for (const plan::Engine* engine : inner_engines(problem)) {
        try {
            for (plan::Candidate& candidate : engine->candidates(inner(problem), cudnn)) {
                candidate.name.insert(0, prefix());
                candidate.workspace_size += own_workspace(problem);
                candidate.build = [this, problem, build = std::move(candidate.build)] {
                    return std::make_shared<CompletedPlan>(*this, build(), problem);
                };
                all.push_back(std::move(candidate));
            }
        } catch (const plan::Unsupported& e) {
            reasons += (reasons.empty() ? "" : "; ") + std::string(engine->name()) + ": " + e.what();
        }
    }
    if (all.empty()) throw plan::Unsupported(reasons.empty() ? "there is no engine to complete" : reasons);
    return all;
}

std::shared_ptr<const plan::Plan> Composition::restore(const plan::Problem& problem,
                                                       const std::string& plan_name,
                                                       const std::string& serialized,
                                                       cudnnContext* cudnn) const {
    if (!plan_name.starts_with(prefix())) return nullptr;
    const std::string inner_name = plan_name.substr(prefix().size());
    for (const plan::Engine* engine : inner_engines(problem)) {
        if (!inner_name.starts_with(std::string(engine->name()) + " ")) continue;
        auto completed = engine->restore(inner(problem), inner_name, serialized, cudnn);
        return completed ? std::make_shared<CompletedPlan>(*this, std::move(completed), problem) : nullptr;
    }
    return nullptr;
}

}  // namespace qudnn::engines
