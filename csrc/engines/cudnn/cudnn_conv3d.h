// Convolutions in three dimensions as fused cuDNN graphs.
#pragma once

#include "plan/engine.h"

namespace qudnn::engines {

class CudnnConv3d final : public plan::Engine {
  public:
    const char* name() const override;
    bool takes(const plan::Problem& problem) const override {
        return std::holds_alternative<plan::Conv3dProblem>(problem);
    }
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
    std::shared_ptr<const plan::Plan> restore(const plan::Problem& problem, const std::string& plan_name,
                                              const std::string& serialized,
                                              cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
