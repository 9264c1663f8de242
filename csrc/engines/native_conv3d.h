// The plain conv kernel for three dimensions as an engine: any geometry, always right.
#pragma once

#include "plan/engine.h"

namespace qudnn::engines {

class NativeConv3d final : public plan::Engine {
  public:
    const char* name() const override { return "native_conv3d"; }
    bool native() const override { return true; }
    bool takes(const plan::Problem& problem) const override {
        return std::holds_alternative<plan::Conv3dProblem>(problem);
    }
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
