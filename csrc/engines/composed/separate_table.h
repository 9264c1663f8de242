// Convolutions and matmuls whose results are those of a table, by engines that look up none: a second kernel
// does, in place, or from the workspace if y has padding.
#pragma once

#include "engines/composed/composition.h"

namespace qudnn::engines {

class SeparateTable final : public Composition {
  public:
    const char* name() const override { return "separate_table"; }
    std::string refusal(const plan::Problem& problem) const override;

  protected:
    plan::Problem inner(const plan::Problem& problem) const override;
    size_t own_workspace(const plan::Problem& problem) const override;
    void execute(const plan::Problem& problem, const plan::Plan& inner, const plan::Launch& launch,
                 const plan::Arguments& arguments, void* workspace) const override;
};

}  // namespace qudnn::engines
