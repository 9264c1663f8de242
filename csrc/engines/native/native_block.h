// Residual blocks by the plain native engine of convolutions, three times: the reference of all others.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class NativeBlock final : public plan::Engine {
  public:
    const char* name() const override { return "native_block"; }
    bool native() const override { return true; }
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
