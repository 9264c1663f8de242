// Threads that build plans. Building takes most of a second where a kernel is new to its thread's cuDNN
// handle and a tenth of that where it is not, so work with the same affinity always goes to the same thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "export.h"

namespace qudnn::plan {

struct Task {
    std::string affinity;
    std::function<void()> work;  // must not throw
};

// Runs the tasks, those of different affinities at the same time, and returns when all are done. The threads
// start with the first task, sleep while there is none, and stay for the process's life.
QUDNN_API void run_on_pool(std::vector<Task> tasks);

}  // namespace qudnn::plan
