#include "ops/shared/usable_device.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "ops/shared/nvml.h"

namespace qudnn::ops {

namespace {

constexpr int kOldestGeneration = 75;  // compute capability 7.5
constexpr const char* kNoGpu = "no GPU";
constexpr const char* kOldGpu = "no GPU of compute capability 7.5 or newer";

bool is_new_enough(const Machine::Gpu& gpu) { return gpu.capability >= kOldestGeneration; }

// Whether the first of a list of GPUs exists; they are numbers or the beginnings of UUIDs. CUDA takes those
// up to the first that does not exist. No value for a part of a GPU, or for another way to name one.
std::optional<bool> first_is_there(const Machine& machine, std::string_view list) {
    const std::string_view first = list.substr(0, list.find(','));
    if (first.starts_with("GPU-")) {
        const auto is_meant = [&](const Machine::Gpu& gpu) { return gpu.uuid.starts_with(first); };
        return std::any_of(machine.gpus.begin(), machine.gpus.end(), is_meant);
    }
    int64_t number = 0;
    const char* const last = first.data() + first.size();
    const auto [end, error] = std::from_chars(first.data(), last, number);
    if (error != std::errc() || end != last) return std::nullopt;
    return number >= 0 && number < static_cast<int64_t>(machine.gpus.size());
}

std::string ask_cuda() {
    int count = 0;
    if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
        cudaGetLastError();
        return cudaGetErrorString(error);
    }
    for (int device = 0; device < count; ++device) {
        int major = 0, minor = 0;
        cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
        cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
        if (major * 10 + minor >= kOldestGeneration) return {};
    }
    return count == 0 ? kNoGpu : kOldGpu;
}

std::string look() {
    std::optional<std::string> reason;
    if (const std::optional<Machine> machine = ask_nvml()) {
        reason = no_usable_device(*machine, CUDART_VERSION, std::getenv("CUDA_VISIBLE_DEVICES"));
    }
    return reason ? *reason : ask_cuda();
}

}  // namespace

std::optional<std::string> no_usable_device(const Machine& machine, int runtime, const char* visible) {
    // Within one major version, older drivers run newer runtimes; beyond it only with a compatibility
    // package.
    if (machine.driver / 1000 < runtime / 1000) return std::nullopt;
    if (machine.gpus.empty()) return kNoGpu;
    if (std::none_of(machine.gpus.begin(), machine.gpus.end(), is_new_enough)) return kOldGpu;
    if (visible != nullptr && *visible == '\0') return "CUDA_VISIBLE_DEVICES hides all GPUs";
    if (visible == nullptr) return std::string();
    // If GPUs differ, only CUDA knows which of them has which number.
    if (!std::all_of(machine.gpus.begin(), machine.gpus.end(), is_new_enough)) return std::nullopt;
    const std::optional<bool> there = first_is_there(machine, visible);
    if (!there) return std::nullopt;
    return *there ? std::string() : "CUDA_VISIBLE_DEVICES hides all GPUs";
}

const std::string& no_usable_device() {
    // Never destroyed: a thread may outlive main().
    static const auto* const reason = [] {
        auto* const found = new std::string(look());
        if (!found->empty() && std::getenv("QUDNN_VERBOSE") != nullptr) {
            std::fprintf(stderr, "qudnn: no ops registered, models run on their functions: %s\n",
                         found->c_str());
        }
        return found;
    }();
    return *reason;
}

}  // namespace qudnn::ops
