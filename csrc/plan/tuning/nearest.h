// The plan of a similar problem, as a guess. Knows nothing of CUDA.
#pragma once

#include <span>
#include <string>

#include "export.h"
#include "plan/problem/problem.h"

namespace qudnn::plan {

struct KnownPlan {
    Problem problem;
    std::string plan;
    bool tuned;
};

// The plan of the nearest problem of the same layer: a tuned one before others, then one that differs in the
// batch only, then the one whose work is the least times more or less, then the first. Empty where there is
// none.
QUDNN_API std::string nearest_plan(const Problem& problem, std::span<const KnownPlan> known);

}  // namespace qudnn::plan
