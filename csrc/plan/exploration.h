// Which candidates that no heuristics name are worth building: all of them for the first few problems, then
// those that were fast for these. Building them all for each layer of a network would take minutes.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>

#include "export.h"
#include "plan/problem.h"

namespace qudnn::plan {

class QUDNN_API Exploration {
  public:
    // Whether all candidates of the engine are to be tried for the problem: it is large enough to be worth
    // it, and one of the first of about its size.
    bool begins(const std::string& engine, const Problem& problem);

    // A candidate was about as fast as the best one for the problem.
    void learn(const std::string& engine, const Problem& problem, const std::string& candidate);

    bool knows(const std::string& engine, const Problem& problem, const std::string& candidate) const;

  private:
    using Kernels = std::pair<std::string, DataType>;  // those of an engine, for results of a type

    mutable std::mutex mutex_;
    std::map<std::pair<Kernels, int>, int> explored_;  // how many problems of a size
    std::map<Kernels, std::set<std::string>> fast_;
};

// The process's.
Exploration& exploration();

}  // namespace qudnn::plan
