// The kernels of depthwise convolutions, and of those in groups of few channels, as an engine. cuDNN has no
// depthwise ones in int8.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class NativeDepthwise final : public plan::Engine {
  public:
    const char* name() const override { return "native_depthwise"; }
    // Takes convolutions of common sizes with one filter per channel, or as many as a group has channels, and
    // int8 results.
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
