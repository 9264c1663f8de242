// Engines that complete what other engines compute of a convolution or matmul.
#pragma once

#include "plan/common/engine.h"

namespace qudnn::engines {

// Rises with those of the engines that are not composed.
int revision_of_simple_engines();

// Its candidates are those of the engines that take the inner problem but not the whole; their plans run,
// then a step of its own. A plan is named after it and the plan that it completes.
class Composition : public plan::Engine {
  public:
    bool composed() const final { return true; }
    int revision() const final { return revision_of_simple_engines(); }
    std::vector<plan::Candidate> candidates(const plan::Problem& problem, cudnnContext* cudnn) const final;
    std::shared_ptr<const plan::Plan> restore(const plan::Problem& problem, const std::string& plan_name,
                                              const std::string& serialized, cudnnContext* cudnn) const final;

  protected:
    // What other engines compute of it.
    virtual plan::Problem inner(const plan::Problem& problem) const = 0;

    // Bytes of workspace, a multiple of 256, before that of the inner plan.
    virtual size_t own_workspace(const plan::Problem& problem) const = 0;

    // Runs the inner plan, then its own step.
    virtual void execute(const plan::Problem& problem, const plan::Plan& inner, const plan::Launch& launch,
                         const plan::Arguments& arguments, void* workspace) const = 0;

  private:
    class CompletedPlan;

    std::string prefix() const { return std::string(name()) + " of "; }
    std::vector<const plan::Engine*> inner_engines(const plan::Problem& problem) const;
};

// Bytes for a tensor of so many in the workspace.
inline size_t rounded_up(int64_t bytes) { return static_cast<size_t>((bytes + 255) / 256 * 256); }

}  // namespace qudnn::engines
