// From the contenders of a tuning to a choice with fallbacks.
#pragma once

#include <memory>
#include <string>

#include "plan/common/choice.h"
#include "plan/common/engine.h"
#include "plan/common/plan.h"
#include "plan/problem/problem.h"
#include "plan/tuning/explanation.h"

namespace qudnn::plan {

// The plain native engine, with which all others are compared; null where it refuses the problem.
const Engine* reference_engine(const Problem& problem);

// The one that costs least of those that are usable, of which there is one; for want of memory those that
// need less of it. `tuned`: all that could pay were tried. `short_of_memory`: some could not be compared for
// that.
std::shared_ptr<Choice> ranked(const Outcome& outcome, const std::shared_ptr<const Plan>& reference,
                               bool tuned, bool short_of_memory);

// Nothing could be compared: this time the reference runs, which is always right.
std::shared_ptr<Choice> unchecked(const Outcome& outcome, const std::shared_ptr<const Plan>& reference,
                                  const std::string& why);

}  // namespace qudnn::plan
