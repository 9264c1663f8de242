// Matrix products, and convolutions that are one, as fused cuDNN graphs.
#pragma once

#include "plan/engine.h"

namespace qudnn::engines {

class CudnnMatMul final : public plan::Engine {
  public:
    const char* name() const override { return "cudnn_matmul"; }
    bool takes(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
