// From a problem to a plan that runs, and the process's plans.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plan/common/choice.h"
#include "plan/common/host.h"
#include "plan/planner/cache.h"
#include "plan/problem/problem.h"
#include "plan/storage/record.h"

namespace qudnn::plan {

// Enqueues the problem's work on the host's stream. The first run of a problem finds or makes its plan; later
// ones look it up, take the workspace and enqueue, so they can be captured in a CUDA graph. A problem whose
// tensors pass 2^31 bytes runs in slices of its batch.
void run(const Problem& problem, const Arguments& arguments, const Host& host);

struct PlannerStatistics {
    CacheStatistics cache;  // its builds: plans made here, found ones apart
    uint64_t disk_hits = 0;
    uint64_t disk_writes = 0;
    uint64_t disk_rejected = 0;
    uint64_t candidates_built = 0;
    uint64_t candidates_dropped = 0;
    double tuning_seconds = 0;
    uint64_t pending = 0;  // problems whose fastest plan is looked for aside, or will be
    uint64_t swapped = 0;  // plans that took the place of guesses
};

PlannerStatistics statistics();

// Waits until nothing is tuned aside any more, at most so long; whether nothing is.
bool wait_for_tuning(std::chrono::milliseconds patience);

// Forgets the process's plans, imported ones too, and sets the counters to zero. Files stay.
void clear();

struct Listed {
    Record record;  // without the serialized plan
    std::string source;
};

// The plans of the process, most recently used first.
std::vector<Listed> list();

// See Shelf. export_archive takes the process's plans, then those of the folder.
std::pair<std::string, size_t> export_archive(const std::string& folder);
std::pair<size_t, size_t> import_file(const std::string& path, const std::string& folder);

}  // namespace qudnn::plan
