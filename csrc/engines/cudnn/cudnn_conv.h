// Convolutions, in two and in three dimensions, as fused cuDNN graphs.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class CudnnConv final : public plan::Engine {
  public:
    const char* name() const override;
    // NOTE: refuses padding around y: cuDNN's results in a strided view have been seen to be wrong.
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
    std::shared_ptr<const plan::Plan> restore(const plan::Problem& problem, const std::string& plan_name,
                                              const std::string& serialized,
                                              cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
