// The kernel of few rows as an engine: matmuls with weights of at most 8 rows.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class NativeFewRows final : public plan::Engine {
  public:
    const char* name() const override { return "native_few_rows"; }
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
