// The kernels of depthwise convolutions as an engine; cuDNN has none in int8.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class NativeDepthwise final : public plan::Engine {
  public:
    const char* name() const override { return "native_depthwise"; }
    // Takes convolutions with one filter per channel, common sizes and int8 results.
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
