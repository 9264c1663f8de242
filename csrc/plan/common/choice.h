// The plan chosen for a problem, and what is known about the choice.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plan/common/backoff.h"
#include "plan/common/plan.h"

namespace qudnn::plan {

enum class Source { tuned, heuristic, disk, imported };

struct Choice {
    std::string engine;
    std::shared_ptr<const Plan> plan;
    // What to run if there is no memory for the plan's workspace; each needs less than the one before.
    std::vector<std::shared_ptr<const Plan>> fallbacks;
    bool tuned = false;   // the fastest of all candidates
    bool lasting = true;  // worth keeping on disk: memory was not short while it was made
    // Set if there was memory for nothing but the reference, which is slow: when to choose again.
    std::shared_ptr<Backoff> backoff;
    Source source = Source::tuned;
    double microseconds = 0;
    std::string first_plan;  // cuDNN's first heuristic plan; empty where there was none
    double first_microseconds = 0;
    int64_t created = 0;  // seconds since 1970
    mutable std::atomic<bool> told_of_fallback{false};
};

}  // namespace qudnn::plan
