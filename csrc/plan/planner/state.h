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

    Cache<Key, Choice, KeyHash> cache{kCapacity};
    Shelf shelf;
    Failures<Key, KeyHash> failures{kCapacity};  // of the tuner
    std::atomic<uint64_t> made{0};
    std::atomic<uint64_t> swapped{0};
    std::mutex mutex;
    // Plans that others took the place of. CUDA graphs may run their kernels as long as the process lives.
    std::vector<std::shared_ptr<const Choice>> retired;
    std::vector<std::string> untold;  // what tuning aside has to say, to be logged by the next run
    std::atomic<bool> has_untold{false};
};

inline State& state() {
    // NOTE: never destroyed. Plans belong to cuDNN, which may be gone before static objects are.
    static State* const only = new State;
    return *only;
}

}  // namespace qudnn::plan
