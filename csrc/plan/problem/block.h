// The convolutions of a residual block: its problem as three.
#pragma once

#include <array>
#include <cstddef>

#include "export.h"
#include "plan/problem/problem.h"

namespace qudnn::plan {

constexpr size_t kStepsOfBlock = 3;
using StepProblems = std::array<ConvProblem, kStepsOfBlock>;

// What its convolutions are, one after the other; all have the block's alignment.
QUDNN_API StepProblems steps_of(const BlockProblem& block);

// Bytes of the tensors between, each a multiple of 256.
std::array<size_t, kStepsOfBlock - 1> bytes_between(const StepProblems& steps);
size_t all_bytes_between(const StepProblems& steps);

}  // namespace qudnn::plan
