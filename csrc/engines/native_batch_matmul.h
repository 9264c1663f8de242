// The kernels of products of two computed tensors as engines.
#pragma once

#include "plan/engine.h"

namespace qudnn::engines {

// The plain kernel: any size, stride and alignment, always right.
class NativeBatchMatMul final : public plan::Engine {
  public:
    const char* name() const override { return "native_batch_matmul"; }
    bool native() const override { return true; }
    bool takes(const plan::Problem& problem) const override {
        return std::holds_alternative<plan::BatchMatMulProblem>(problem);
    }
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

// The one on the tensor cores.
class NativeMmaMatMul final : public plan::Engine {
  public:
    const char* name() const override { return "native_mma_matmul"; }
    bool takes(const plan::Problem& problem) const override {
        return std::holds_alternative<plan::BatchMatMulProblem>(problem);
    }
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
