// The pointwise kernel as an engine: matmuls, and 1x1 convolutions, that are bound by memory.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class NativePointwise final : public plan::Engine {
  public:
    const char* name() const override { return "native_pointwise"; }
    // Takes those with a depth of 32 to 1024 and int8 results; larger depths are bound by arithmetic.
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
