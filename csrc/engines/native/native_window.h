// The kernel of windows cut out of tiles in shared memory as an engine: convolutions and matmuls on
// Hopper GPUs.
#pragma once

#include "plan/engine.h"

namespace qudnn::engines {

class NativeWindow final : public plan::Engine {
  public:
    const char* name() const override { return "native_window"; }
    // Takes those with int8 results, of c a multiple of 16 and k one of 32.
    std::string refusal(const plan::Problem& problem) const override;
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const override;
};

}  // namespace qudnn::engines
