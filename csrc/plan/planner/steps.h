// The convolutions of a residual block by the plans of their own problems.
#pragma once

#include "plan/common/plan.h"
#include "plan/problem/block.h"

namespace qudnn::plan {

// Enqueues one after the other, each as run() does; the problems' alignment is that of the arguments.
// between: memory of all_bytes_between(). The launch has a host.
void run_steps(const StepProblems& steps, const Arguments& arguments, const Launch& launch, void* between);

}  // namespace qudnn::plan
