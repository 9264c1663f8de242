// Makes a plan for a problem: the fastest of all engines' candidates, or the first that works.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "plan/choice.h"
#include "plan/host.h"
#include "plan/problem.h"

namespace qudnn::plan {

// What the tuner has done in this process.
struct TunerStatistics {
    std::atomic<uint64_t> candidates_built{0};
    std::atomic<uint64_t> candidates_dropped{0};  // could not be built or run, or gave other bits
    std::atomic<uint64_t> microseconds{0};
};

TunerStatistics& tuner_statistics();

// Chooses a plan by the host's configuration, full or heuristic. Every candidate is compared bit for bit with
// the plain native engine on the arguments before it is trusted; y is overwritten. In heuristic mode the
// candidate named `likely` is tried first, where there is one. Where GPU memory was too short to compare all,
// the choice is not a lasting one, and has a backoff where nothing but that engine, a slow one, is left.
// Throws where no engine runs the problem.
std::shared_ptr<Choice> tune(const Problem& problem, const Arguments& arguments, const Host& host,
                             const std::string& likely);

// The plain native engine's plan, which needs no workspace; nullptr where it refuses the problem.
std::shared_ptr<const Plan> native_plan(const Problem& problem);

}  // namespace qudnn::plan
