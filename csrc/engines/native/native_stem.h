// The stem kernel as an engine: the first convolution of an image network.
#pragma once

#include "plan/engine.h"

namespace qudnn::engines {

class NativeStem final : public plan::Engine {
  public:
    const char* name() const override { return "native_stem"; }
    // Of 4 channels, that is, and with int8 results.
    bool takes(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
