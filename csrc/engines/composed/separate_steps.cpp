#include "engines/composed/separate_steps.h"

#include "engines/composed/composition.h"
#include "plan/planner/steps.h"
#include "plan/problem/block.h"

namespace qudnn::engines {

namespace {

class SeparateStepsPlan final : public plan::Plan {
  public:
    SeparateStepsPlan(const std::string& name, const plan::StepProblems& steps)
        : Plan(name, all_bytes_between(steps)), steps_(steps) {}

    bool runs_others() const override { return true; }
    void execute(const plan::Launch& launch, const plan::Arguments& arguments,
                 void* workspace) const override {
        plan::run_steps(steps_, arguments, launch, workspace);
    }

  private:
    plan::StepProblems steps_;
};

}  // namespace

int SeparateSteps::revision() const { return revision_of_simple_engines(); }

std::string SeparateSteps::refusal(const plan::Problem& problem) const {
    return std::holds_alternative<plan::BlockProblem>(problem) ? "" : "no residual block";
}

std::vector<plan::Candidate> SeparateSteps::candidates(const plan::Problem& problem, cudnnContext*) const {
    const plan::StepProblems steps = plan::steps_of(std::get<plan::BlockProblem>(problem));
    return {{name(), all_bytes_between(steps), [label = std::string(name()), steps] {
                 return std::make_shared<SeparateStepsPlan>(label, steps);
             }}};
}

}  // namespace qudnn::engines
