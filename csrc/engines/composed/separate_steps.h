// Residual blocks by three plans, one after the other: those that are chosen for its convolutions, now or
// later. What is between them is in the workspace.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class SeparateSteps final : public plan::Engine {
  public:
    const char* name() const override { return "separate_steps"; }
    int revision() const override;  // rises with those of the engines that compute the convolutions
    bool composed() const override { return true; }
    bool delegates() const override { return true; }
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
