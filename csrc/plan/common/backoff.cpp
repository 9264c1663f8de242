#include "plan/common/backoff.h"

#include <algorithm>

namespace qudnn::plan {

bool Backoff::claim(Clock::time_point now) {
    Clock::rep next = next_.load();
    if (now.time_since_epoch().count() < next) return false;
    const Clock::duration wait = std::min(2 * Clock::duration(wait_.load()), kLongest);
    if (!next_.compare_exchange_strong(next, after(now, wait))) return false;  // another thread's
    wait_ = wait.count();
    return true;
}

}  // namespace qudnn::plan
