// Convolutions whose y has padding, by engines that write dense results: those go to the workspace, and are
// then copied into y, padding included.
#pragma once

#include "engines/composed/composition.h"

namespace qudnn::engines {

class PaddedResult final : public Composition {
  public:
    const char* name() const override { return "padded_result"; }
    std::string refusal(const plan::Problem& problem) const override;

  protected:
    plan::Problem inner(const plan::Problem& problem) const override;
    size_t own_workspace(const plan::Problem& problem) const override;
    void execute(const plan::Problem& problem, const plan::Plan& inner, const plan::Launch& launch,
                 const plan::Arguments& arguments, void* workspace) const override;
};

}  // namespace qudnn::engines
