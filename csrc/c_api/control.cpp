#include "c_api/control.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "engines/cudnn/cudnn_library.h"
#include "ops/shared/usable_device.h"
#include "plan/aside/aside.h"
#include "plan/planner/known.h"
#include "plan/planner/planner.h"
#include "plan/problem/shorthand.h"
#include "versions.h"

namespace qudnn {

namespace {

plan::Problem parsed(const std::string& text) {
    const auto problem = plan::parse(text);
    if (!problem) throw std::invalid_argument("not the text of a problem: " + text);
    return *problem;
}

std::chrono::milliseconds milliseconds(double seconds) {
    constexpr double kLongest = 1e9;
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::duration<double>(std::clamp(seconds, 0.0, kLongest)));
}

// Null where there is no cuDNN: its engines say so.
cudnnContext* own_handle() {
    try {
        return engines::cudnn_problem().empty() ? engines::handle_of_this_thread() : nullptr;
    } catch (const std::exception&) {
        return nullptr;
    }
}

}  // namespace

plan::PlannerStatistics plan_statistics() { return plan::statistics(); }

void clear_plans() { plan::clear(); }

bool wait_for_tuning(double seconds) { return plan::wait_for_tuning(milliseconds(seconds)); }

bool stop_tuning(double seconds) { return plan::aside().stop(milliseconds(seconds)); }

std::vector<plan::Listed> list_plans() { return plan::list(); }

std::pair<std::string, size_t> export_plans(const std::string& folder) {
    return plan::export_archive(folder);
}

std::pair<size_t, size_t> import_plans(const std::string& path, const std::string& folder) {
    return plan::import_file(path, folder);
}

std::vector<plan::Answer> answers(const std::string& problem) {
    return plan::answers(parsed(problem), own_handle());
}

std::vector<plan::Replayed> replay(const std::string& problem, const std::string& only, bool with_unlikely) {
    return plan::replay(plan::read_shorthand(problem), own_handle(), only, with_unlikely);
}

StoredPlans stored_plans(const std::string& folder) {
    plan::Listing listing = plan::Store(folder).list(SIZE_MAX, false);
    StoredPlans stored{{}, std::move(listing.left_out)};
    for (plan::Record& record : listing.records) {
        const char* source = plan::source_text(record.tuned ? plan::Source::tuned : plan::Source::heuristic);
        stored.plans.push_back({std::move(record), source});
    }
    return stored;
}

size_t delete_plans(const std::string& folder) { return plan::Store(folder).clear(); }

std::map<std::string, std::string> versions() {
    return {
        {"qudnn", QUDNN_VERSION},
        {"cuda", QUDNN_CUDA_VERSION},
        {"cudnn", QUDNN_CUDNN_VERSION},
        {"cudnn_at_runtime", engines::cudnn_version()},
        {"cudnn_frontend", QUDNN_FRONTEND_VERSION},
        {"compiler", QUDNN_CXX_VERSION},
        {"architectures", QUDNN_ARCHITECTURES},
    };
}

std::vector<Device> cuda_devices() {
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess) {
        cudaGetLastError();  // clears it
        return {};
    }
    std::vector<Device> devices;
    for (int i = 0; i < count; ++i) {
        cudaDeviceProp properties;
        if (cudaGetDeviceProperties(&properties, i) != cudaSuccess) continue;
        devices.push_back({properties.name, properties.major * 10 + properties.minor});
    }
    return devices;
}

std::string no_usable_device() { return ops::no_usable_device(); }

}  // namespace qudnn
