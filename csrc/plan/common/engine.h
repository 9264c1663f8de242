// An engine: one way to compute problems.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "export.h"
#include "plan/common/plan.h"
#include "plan/problem/problem.h"

namespace qudnn::plan {

// An engine cannot run a problem of its kind; what() says why.
struct Unsupported : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A plan that may be built; building is the slow part. Candidates of one list may be built in
// different threads at the same time, each with the problem's GPU as its current one, and outlive the
// engine's call. build throws where it fails.
struct Candidate {
    std::string name;  // the plan's, too
    size_t workspace_size = 0;
    std::function<std::shared_ptr<const Plan>()> build;
    std::string affinity = {};  // see plan/tuning/pool.h; empty where building is no work
    // No heuristics name it, and it may not exist: worth building only if all candidates are timed.
    bool unlikely = false;
};

class Engine {
  public:
    virtual ~Engine() = default;

    virtual const char* name() const = 0;

    // Raise it when the names or the serialized forms of its plans change their meaning.
    virtual int revision() const { return 1; }

    // Refuses nothing of its kind and is always right, if slow; the others are compared with it.
    virtual bool native() const { return false; }

    // Completes what the engines that are not composed compute.
    virtual bool composed() const { return false; }

    // Its plans run those of other problems, as they were chosen.
    virtual bool delegates() const { return false; }

    // Why the engine does not take the problem on any GPU; empty if it does.
    virtual std::string refusal(const Problem& problem) const = 0;
    bool takes(const Problem& problem) const { return refusal(problem).empty(); }

    // For a problem that the engine takes: its candidates, the one expected to be fastest first. Throws
    // Unsupported with the reason if there are none.
    virtual std::vector<Candidate> candidates(const Problem& problem, cudnnContext* cudnn) const = 0;

    // Restores the plan of that name from its serialized form; nullptr if the engine has no plan of the name.
    // Throws if it cannot be made. By default it is searched among the candidates.
    virtual std::shared_ptr<const Plan> restore(const Problem& problem, const std::string& name,
                                                const std::string& serialized, cudnnContext* cudnn) const;
};

// The names and revisions of the engines that take the problem.
QUDNN_API std::string engines_text(const Problem& problem);

// All engines, preferred ones first.
std::span<const Engine* const> engines();

// What an engine answers to a problem.
struct Answer {
    std::string engine;
    std::string refusal;             // why it has no plan; empty where it has some
    std::vector<std::string> plans;  // what it expects to be fastest first, without unlikely ones
};

// What all engines answer on the current GPU, in their order. Builds nothing.
QUDNN_API std::vector<Answer> answers(const Problem& problem, cudnnContext* cudnn);

}  // namespace qudnn::plan
