// The plain matmul kernel as an engine: any size, always right.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class NativeMatMul final : public plan::Engine {
  public:
    const char* name() const override { return "native_matmul"; }
    bool native() const override { return true; }
    std::string refusal(const plan::Problem& problem) const override {
        return std::holds_alternative<plan::MatMulProblem>(problem) ? "" : "no matmul with weights";
    }
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
