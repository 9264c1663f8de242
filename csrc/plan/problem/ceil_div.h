// Division that rounds up.
#pragma once

#include <cstdint>

namespace qudnn::plan {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace qudnn::plan
