// Residual blocks by the kernel that computes all convolutions of one with windows over each channel by
// itself.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class NativeInvertedResidual final : public plan::Engine {
  public:
    const char* name() const override { return "native_inverted_residual"; }
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
