// Convolutions as fused cuDNN graphs.
#pragma once

#include "plan/engine.h"

namespace qudnn::engines {

class CudnnConv final : public plan::Engine {
  public:
    const char* name() const override { return "cudnn_conv"; }
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
