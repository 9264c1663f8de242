// The process's plans.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plan/common/choice.h"
#include "plan/planner/cache.h"
#include "plan/planner/failures.h"
#include "plan/planner/known.h"
#include "plan/storage/shelf.h"

namespace qudnn::plan {

struct State {
    static constexpr size_t kCapacity = 4096;

    // Runs that needed no look into the cache. All of them write it: nothing that they read lies beside it.
    alignas(64) std::atomic<uint64_t> known{0};
    Cache<Key, Chosen, KeyHash> cache{kCapacity};
    Shelf shelf;
    Failures<Key, KeyHash> failures{kCapacity};  // of the tuner
    std::atomic<uint64_t> made{0};
    std::atomic<uint64_t> swapped{0};
    std::mutex mutex;
    std::vector<std::string> untold;  // what tuning aside has to say, to be logged by the next run
    std::atomic<bool> has_untold{false};
    std::atomic<uint64_t> era{0};  // ends when plans are forgotten: what nodes keep of it counts no more
};

inline State& state() {
    // NOTE: never destroyed. Plans belong to cuDNN, which may be gone before static objects are.
    static State* const only = new State;
    return *only;
}

}  // namespace qudnn::plan
