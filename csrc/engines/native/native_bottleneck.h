// Residual blocks by the kernel that computes all convolutions of one with windows over all channels.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class NativeBottleneck final : public plan::Engine {
  public:
    const char* name() const override { return "native_bottleneck"; }
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
