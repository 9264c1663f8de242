// Convolutions that add a residual, by engines that do not: the addition follows, in place where results are
// rounded before it, and from sums in the workspace where they are not.
#pragma once

#include "plan/engine.h"

namespace qudnn::engines {

class SeparateResidual final : public plan::Engine {
  public:
    const char* name() const override { return "separate_residual"; }
    int revision() const override;  // rises with those of the engines it runs
    bool takes(const plan::Problem& problem) const override;
    // Those of the engines that take the convolution without a residual but not with one.
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
    std::shared_ptr<const plan::Plan> restore(const plan::Problem& problem, const std::string& plan_name,
                                              const std::string& serialized,
                                              cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
