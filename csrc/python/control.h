// What Python sees of the library's state.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "export.h"
#include "plan/cache.h"

namespace qudnn {

struct Device {
    std::string name;
    int compute_capability;  // 90 for 9.0
};

// Counters of the process's plan cache.
QUDNN_API plan::CacheStatistics plan_statistics();

// Forgets every plan.
QUDNN_API void clear_plans();

// What the library is built against, and the cuDNN it finds at run time (empty where it finds none).
QUDNN_API std::map<std::string, std::string> versions();

// The GPUs of this process; empty where there is no driver or no GPU.
QUDNN_API std::vector<Device> cuda_devices();

// Why RegisterCustomOps adds no ops in this process; empty where it does.
QUDNN_API std::string no_usable_device();

}  // namespace qudnn
