// The plan chosen for a problem, and what is known about the choice.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "plan/common/backoff.h"
#include "plan/common/plan.h"

namespace qudnn::plan {

enum class Source { tuned, heuristic, disk, imported };

struct Choice {
    std::string engine;
    std::shared_ptr<const Plan> plan;
    // What to run if there is no memory for the plan's workspace; each needs less than the one before.
    std::vector<std::shared_ptr<const Plan>> fallbacks;
    bool tuned = false;   // the fastest of all candidates
    bool lasting = true;  // worth keeping on disk: memory was not short while it was made
    // Set if there was memory for nothing but the reference, which is slow: when to choose again.
    std::shared_ptr<Backoff> backoff;
    Source source = Source::tuned;
    double microseconds = 0;
    std::string first_plan;  // cuDNN's first heuristic plan; empty where there was none
    double first_microseconds = 0;
    int64_t created = 0;  // seconds since 1970
    mutable std::atomic<bool> told_of_fallback{false};
};

// The choice of a problem, which a better one may replace between two of its runs. Thread-safe.
class Chosen {
  public:
    explicit Chosen(std::shared_ptr<const Choice> first) : now_(first.get()) {
        all_.push_back(std::move(first));
    }

    // Lives as long as this object, replaced or not: runs and CUDA graphs may use it.
    const Choice& now() const { return *now_.load(std::memory_order_acquire); }

    // The same for who keeps it longer.
    std::shared_ptr<const Choice> shared() const {
        const std::lock_guard lock(mutex_);
        return all_.back();
    }

    // Does nothing if another one has taken the old one's place.
    void replace(const Choice& old, std::shared_ptr<const Choice> better) {
        const std::lock_guard lock(mutex_);
        if (all_.back().get() != &old) return;
        all_.push_back(std::move(better));
        now_.store(all_.back().get(), std::memory_order_release);
    }

  private:
    std::atomic<const Choice*> now_;
    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<const Choice>> all_;  // the last one is that of now
};

}  // namespace qudnn::plan
