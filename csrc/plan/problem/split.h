// Problems that are too large for 32-bit indices, in parts along the batch.
#pragma once

#include <cstdint>
#include <vector>

#include "export.h"
#include "plan/problem/problem.h"

namespace qudnn::plan {

// A part of a problem's batch, and where its tensors start, in bytes.
struct Slice {
    Problem problem;
    int64_t x_offset = 0;
    int64_t y_offset = 0;
};

constexpr int64_t kMostBytes = (int64_t{1} << 31) - 1;

// Whether a tensor of the problem has more than `most` bytes, x with its padding.
QUDNN_API bool too_large(const Problem& problem, int64_t most = kMostBytes);

// The problem in slices that are not too large, equal but for the last one. A single image or row may be
// too large by itself: then it is a slice all the same, for an engine that counts with 64 bits.
QUDNN_API std::vector<Slice> split(const Problem& problem, int64_t most = kMostBytes);

}  // namespace qudnn::plan
