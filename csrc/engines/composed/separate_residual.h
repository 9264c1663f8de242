// Convolutions that add a residual and matmuls that add a constant, by engines that add none: a second kernel
// adds it, in place if results are rounded before the addition, else to sums in the workspace. It looks up
// the sums of a matmul as well.
#pragma once

#include "engines/composed/composition.h"

namespace qudnn::engines {

class SeparateResidual final : public Composition {
  public:
    const char* name() const override { return "separate_residual"; }
    std::string refusal(const plan::Problem& problem) const override;

  protected:
    plan::Problem inner(const plan::Problem& problem) const override;
    size_t own_workspace(const plan::Problem& problem) const override;
    void execute(const plan::Problem& problem, const plan::Plan& inner, const plan::Launch& launch,
                 const plan::Arguments& arguments, void* workspace) const override;
};

}  // namespace qudnn::engines
