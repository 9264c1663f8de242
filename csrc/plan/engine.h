// An engine: one way to compute problems.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "plan/plan.h"
#include "plan/problem.h"

namespace qudnn::plan {

// An engine cannot run a problem of its kind; what() says why.
struct Unsupported : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A plan that may be built; building is the slow part. Candidates of one list may be built in
// different threads at the same time, and outlive the engine's call. build throws where it fails.
struct Candidate {
    std::string name;
    size_t workspace_size = 0;
    std::function<std::shared_ptr<const Plan>()> build;
};

class Engine {
  public:
    virtual ~Engine() = default;

    virtual const char* name() const = 0;

    // Refuses nothing of its kind and is always right, if slow; the others are checked against it.
    virtual bool native() const { return false; }

    // Is the problem of the engine's kind?
    virtual bool takes(const Problem& problem) const = 0;

    // For a problem that the engine takes: its ways to compute the problem, what it expects to
    // be fastest first.
    // Throws Unsupported where there is none.
    virtual std::vector<Candidate> candidates(const Problem& problem, cudnnContext* cudnn) const = 0;
};

// All engines, preferred ones first.
std::span<const Engine* const> engines();

}  // namespace qudnn::plan
