// The plain conv kernel for three dimensions as an engine: any geometry, always right.
#pragma once

#include "plan/engine.h"

namespace qudnn::engines {

class NativeConv3d final : public plan::Engine {
  public:
    const char* name() const override { return "native_conv3d"; }
    bool native() const override { return true; }
    bool takes(const plan::Problem& problem) const override {
        const auto* conv = std::get_if<plan::Conv3dProblem>(&problem);
        return conv != nullptr && conv->y_type == plan::DataType::int8;
    }
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
