// From a problem to a plan that runs, and the process's cache of plans.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "plan/cache.h"
#include "plan/engine.h"

namespace qudnn::plan {

// GPU memory that its owner takes back when the object goes.
class Workspace {
  public:
    virtual ~Workspace() = default;
    virtual void* data() const = 0;
};

// Who runs a problem: one run of one node.
class Host {
  public:
    virtual ~Host() = default;

    virtual Launch launch() const = 0;
    virtual int device() const = 0;
    virtual std::unique_ptr<Workspace> workspace(size_t bytes) const = 0;  // throws when memory is out
    virtual const std::string& node() const = 0;
    virtual void warn(const std::string& message) const = 0;
};

// Enqueues the problem's work on the host's stream. The first run of a problem builds its plan; later
// ones look it up, take the workspace and enqueue, so they can be captured in a CUDA graph.
void run(const Problem& problem, const Arguments& arguments, const Host& host);

using PlanCache = Cache<Key, Plan, KeyHash>;
PlanCache& cache();

}  // namespace qudnn::plan
