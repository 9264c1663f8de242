// Tuning beside the runs, which have a guess until it ends.
#pragma once

#include <memory>
#include <string>

#include "plan/common/choice.h"
#include "plan/common/host.h"
#include "plan/planner/known.h"

namespace qudnn::plan {

// Looks for the fastest plan aside and puts it in the place of a guess: runs that come later take it.
void tune_aside(const Key& key, const std::string& node, const std::shared_ptr<Chosen>& chosen);

// Logs what tuning aside has to say: it has no log of its own.
void tell(const Host& host);

}  // namespace qudnn::plan
