// Which of several ways is the fastest, from as few measurements as will tell.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "export.h"

namespace qudnn::plan {

// Measures each of the runners given once; microseconds, in their order.
using Round = std::function<std::vector<double>(std::span<const size_t> runners)>;

// Runs rounds over `count` runners until the order is stable: those that are clearly slower drop out, and
// the leader has to lead several times in a row. A budget bounds the time spent. Returns every runner's
// median in microseconds; the least of more rounds where others disturb the measurements, which only makes
// them longer.
QUDNN_API std::vector<double> race(size_t count, const Round& round, bool disturbed = false);

}  // namespace qudnn::plan
