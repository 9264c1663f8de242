// The batched matmul kernels as engines, for two computed tensors; one of them also takes constant weights.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

// The plain kernel: any size, stride and alignment, always right.
class NativeBatchMatMul final : public plan::Engine {
  public:
    const char* name() const override { return "native_batch_matmul"; }
    bool native() const override { return true; }
    std::string refusal(const plan::Problem& problem) const override {
        return std::holds_alternative<plan::BatchMatMulProblem>(problem) ? ""
                                                                         : "no matmul of computed tensors";
    }
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

// The kernel on the tensor cores. It also takes matmuls with constant weights, with int8 or float32 results.
class NativeMmaMatMul final : public plan::Engine {
  public:
    const char* name() const override { return "native_mma_matmul"; }
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
