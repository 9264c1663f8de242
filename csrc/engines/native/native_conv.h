// The plain conv kernel as an engine: any geometry, always right. Depthwise convolutions of common sizes run
// on kernels of their own.
#pragma once

#include "plan/engine.h"

namespace qudnn::engines {

class NativeConv final : public plan::Engine {
  public:
    const char* name() const override { return "native_conv"; }
    bool native() const override { return true; }
    bool has_kernel_for(const plan::Problem& problem, const plan::Arguments& arguments) const override;
    bool takes(const plan::Problem& problem) const override {
        return std::holds_alternative<plan::ConvProblem>(problem);
    }
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
