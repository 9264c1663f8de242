// The window kernel as an engine: convolutions and matmuls on Hopper GPUs, whose windows are views of tiles
// in shared memory.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

class NativeWindow final : public plan::Engine {
  public:
    const char* name() const override { return "native_window"; }
    // Takes those with int8 results, c a multiple of 16 and k a multiple of 32.
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
