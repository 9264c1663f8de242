// The stem kernel as an engine: the first convolution of an image network.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class NativeStem final : public plan::Engine {
  public:
    const char* name() const override { return "native_stem"; }
    // Takes convolutions of 4 channels with int8 results.
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
