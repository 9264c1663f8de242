// The plain conv kernel as an engine: any geometry, in two and in three dimensions, always right.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class NativeConv final : public plan::Engine {
  public:
    const char* name() const override { return "native_conv"; }
    bool native() const override { return true; }
    std::string refusal(const plan::Problem& problem) const override {
        return std::holds_alternative<plan::ConvProblem>(problem) ? "" : "no convolution";
    }
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
