// Convolutions into padding by engines that write dense results: those lie in the workspace, and a copy with
// its padding becomes y.
#pragma once

#include "plan/engine.h"

namespace qudnn::engines {

class PaddedResult final : public plan::Engine {
  public:
    const char* name() const override { return "padded_result"; }
    int revision() const override;  // rises with those of the engines it runs
    bool takes(const plan::Problem& problem) const override;
    // Those of the engines that take the convolution without padding of y but not with it.
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
    std::shared_ptr<const plan::Plan> restore(const plan::Problem& problem, const std::string& plan_name,
                                              const std::string& serialized,
                                              cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
