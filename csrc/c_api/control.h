// What the C interface tells of the library's state.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "plan/aside/replay.h"
#include "plan/common/engine.h"
#include "plan/planner/planner.h"
#include "plan/storage/store.h"

namespace qudnn {

struct Device {
    std::string name;
    int compute_capability;  // 90 for 9.0
};

// See plan/planner/planner.h.
plan::PlannerStatistics plan_statistics();
void clear_plans();
bool wait_for_tuning(double seconds);
bool stop_tuning(double seconds);  // see Aside::stop()
std::vector<plan::Listed> list_plans();
std::pair<std::string, size_t> export_plans(const std::string& folder);
std::pair<size_t, size_t> import_plans(const std::string& path, const std::string& folder);

// What every engine answers to the problem of a text on the current GPU, in their order; see
// plan/common/engine.h. Throws std::invalid_argument where it is no problem's.
std::vector<plan::Answer> answers(const std::string& problem);

// Runs the problem of a text through every engine of the current GPU; see plan/aside/replay.h. Throws
// std::invalid_argument where it is no problem's.
std::vector<plan::Replayed> replay(const std::string& problem, const std::string& only, bool with_unlikely);

// The plans that a folder's files hold, and the files that are none for this user.
struct StoredPlans {
    std::vector<plan::Listed> plans;
    std::vector<plan::LeftOut> left_out;
};
StoredPlans stored_plans(const std::string& folder);

// See Store::clear().
size_t delete_plans(const std::string& folder);

// What the library is built against, and the cuDNN it finds at run time (empty where it finds none).
std::map<std::string, std::string> versions();

// The GPUs of this process; empty where there is no driver or no GPU.
std::vector<Device> cuda_devices();

// Why RegisterCustomOps adds no ops in this process; empty where it does.
std::string no_usable_device();

}  // namespace qudnn
