// Which of the kernels that no heuristics name are worth a try: all of them, until this has taken the process
// some seconds; then those that were fast for earlier problems. Trying all of them for each layer would take
// longer than everything else.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "export.h"
#include "plan/problem.h"

namespace qudnn::plan {

// Multiplications from which on a problem's speed matters: fewer take less time than their launch.
constexpr int64_t kSpeedRelevant = 10'000'000;
inline bool speed_matters(const Problem& problem) { return multiplications(problem) >= kSpeedRelevant; }

class QUDNN_API Exploration {
  public:
    bool worth(const std::string& kernel, const Problem& problem) const;

    // The kernel was about as fast as the best one for the problem.
    void learn(const std::string& kernel, const Problem& problem);

    // Building and timing the unnamed kernels took this long.
    void spend(double seconds);

  private:
    mutable std::mutex mutex_;
    std::set<std::pair<std::string, DataType>> fast_;  // for results of that type
    double spent_ = 0;
};

// The process's.
Exploration& exploration();

}  // namespace qudnn::plan
