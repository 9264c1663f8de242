// Makes a plan for a problem: the fastest of all engines' candidates, or the first that works.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "plan/common/choice.h"
#include "plan/common/host.h"
#include "plan/problem/problem.h"

namespace qudnn::plan {

// What the tuner has done in this process.
struct TunerStatistics {
    std::atomic<uint64_t> candidates_built{0};
    std::atomic<uint64_t> candidates_dropped{0};  // could not be built or run, or gave other bits
    std::atomic<uint64_t> microseconds{0};
};

TunerStatistics& tuner_statistics();

// Of a residual block the last two are the fastest of its candidates, which are few and not compiled.
enum class Thoroughness {
    fastest,  // of all candidates, as far as trying more can pay: see search.h
    guess,  // the likely one; else the fastest of those that need not be compiled; else the first that works
    first,  // the likely one, else the first that works
};

// Chooses a plan. Every candidate is compared bit for bit with the plain native engine on the arguments
// before it is trusted; y is overwritten. The candidate named `likely` is tried first where not all are.
// Where GPU memory was too short to compare all, the choice is not a lasting one, and has a backoff where
// nothing but that engine, a slow one, is left. Throws where no engine runs the problem, and Stopped.
std::shared_ptr<Choice> tune(const Problem& problem, const Arguments& arguments, const Host& host,
                             Thoroughness how, const std::string& likely);

// The plain native engine's plan, which needs no workspace but for the tensors within a residual block;
// nullptr where it refuses the problem.
std::shared_ptr<const Plan> native_plan(const Problem& problem);

}  // namespace qudnn::plan
