// What Python sees of the library's state.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "export.h"
#include "plan/engine.h"
#include "plan/planner.h"
#include "plan/replay.h"
#include "plan/store.h"

namespace qudnn {

struct Device {
    std::string name;
    int compute_capability;  // 90 for 9.0
};

// See plan/planner.h.
QUDNN_API plan::PlannerStatistics plan_statistics();
QUDNN_API void clear_plans();
QUDNN_API std::vector<plan::Listed> list_plans();
QUDNN_API std::pair<std::string, size_t> export_plans(const std::string& folder);
QUDNN_API std::pair<size_t, size_t> import_plans(const std::string& path, const std::string& folder);

// What every engine answers to the problem of a text on the current GPU, in their order; see plan/engine.h.
// Throws std::invalid_argument where it is no problem's.
QUDNN_API std::vector<plan::Answer> answers(const std::string& problem);

// Runs the problem of a text through every engine of the current GPU; see plan/replay.h. Throws
// std::invalid_argument where it is no problem's.
QUDNN_API std::vector<plan::Replayed> replay(const std::string& problem, const std::string& only,
                                             bool with_unlikely);

// The plans that a folder's files hold, and the files that are none for this user.
struct StoredPlans {
    std::vector<plan::Listed> plans;
    std::vector<plan::LeftOut> left_out;
};
QUDNN_API StoredPlans stored_plans(const std::string& folder);

// See Store::clear().
QUDNN_API size_t delete_plans(const std::string& folder);

// What the library is built against, and the cuDNN it finds at run time (empty where it finds none).
QUDNN_API std::map<std::string, std::string> versions();

// The GPUs of this process; empty where there is no driver or no GPU.
QUDNN_API std::vector<Device> cuda_devices();

// Why RegisterCustomOps adds no ops in this process; empty where it does.
QUDNN_API std::string no_usable_device();

}  // namespace qudnn
