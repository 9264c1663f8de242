#include "engines/native/native_block.h"

#include "engines/native/native_conv.h"
#include "plan/common/step.h"

namespace qudnn::engines {

namespace {

// The second convolution pads by itself, whatever the first one could write.
plan::StepProblems plain_steps(plan::BlockProblem block) {
    block.first_pads = false;
    return plan::steps_of(block);
}

class NativeBlockPlan final : public plan::Plan {
  public:
    NativeBlockPlan(const std::string& name, const plan::StepProblems& steps)
        : Plan(name, all_bytes_between(steps)), steps_(steps) {
        for (size_t i = 0; i < steps.size(); ++i)
            plans_[i] = NativeConv().candidates(steps[i], nullptr).front().build();
    }

    void execute(const plan::Launch& launch, const plan::Arguments& arguments,
                 void* workspace) const override {
        const auto of_steps = plan::arguments_of_steps(steps_, arguments, workspace);
        for (size_t i = 0; i < plans_.size(); ++i) plans_[i]->execute(launch, of_steps[i], nullptr);
    }

  private:
    plan::StepProblems steps_;
    std::array<std::shared_ptr<const plan::Plan>, plan::kStepsOfBlock> plans_;
};

}  // namespace

std::string NativeBlock::refusal(const plan::Problem& problem) const {
    return std::holds_alternative<plan::BlockProblem>(problem) ? "" : "no residual block";
}

std::vector<plan::Candidate> NativeBlock::candidates(const plan::Problem& problem, cudnnContext*) const {
    const plan::StepProblems steps = plain_steps(std::get<plan::BlockProblem>(problem));
    return {{name(), all_bytes_between(steps), [label = std::string(name()), steps] {
                 return std::make_shared<NativeBlockPlan>(label, steps);
             }}};
}

}  // namespace qudnn::engines
