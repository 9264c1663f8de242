// When to try again what failed.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "export.h"

namespace qudnn::plan {

// A second after the first failure, then twice as long each time, up to a quarter of an hour. Thread-safe.
class QUDNN_API Backoff {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Backoff(Clock::time_point now) : next_(after(now, kFirst)) {}

    // Whether it is time for the next attempt: true for one caller, who makes it. If it fails, too, the
    // caller need not report anything.
    bool claim(Clock::time_point now);

  private:
    static constexpr Clock::duration kFirst = std::chrono::seconds(1), kLongest = std::chrono::minutes(15);

    static Clock::rep after(Clock::time_point now, Clock::duration wait) {
        return (now + wait).time_since_epoch().count();
    }

    std::atomic<Clock::rep> next_;
    std::atomic<Clock::rep> wait_{kFirst.count()};
};

}  // namespace qudnn::plan
