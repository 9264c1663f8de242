#include "ops/shared/nvml.h"

#include <dlfcn.h>

#include <array>
#include <memory>

namespace qudnn::ops {

namespace {

constexpr const char* kLibrary = "libnvidia-ml.so.1";
constexpr int kSuccess = 0;
constexpr size_t kUuidSize = 96;

// The functions used here; there is no NVML 2 for which they would have other types.
struct Nvml {
    void* library;
    int (*init)();
    int (*shutdown)();
    int (*driver_version)(int*);
    int (*count)(unsigned*);
    int (*handle)(unsigned, void**);
    int (*capability)(void*, int*, int*);
    int (*uuid)(void*, char*, unsigned);
    int (*mig_mode)(void*, unsigned*, unsigned*);

    template <class Function>
    bool find(Function*& function, const char* name) {
        function = reinterpret_cast<Function*>(dlsym(library, name));
        return function != nullptr;
    }

    bool find_all() {
        return find(init, "nvmlInit_v2") && find(shutdown, "nvmlShutdown") &&
               find(driver_version, "nvmlSystemGetCudaDriverVersion_v2") &&
               find(count, "nvmlDeviceGetCount_v2") && find(handle, "nvmlDeviceGetHandleByIndex_v2") &&
               find(capability, "nvmlDeviceGetCudaComputeCapability") && find(uuid, "nvmlDeviceGetUUID") &&
               find(mig_mode, "nvmlDeviceGetMigMode");
    }

    std::optional<Machine> machine() const {
        Machine machine{};
        unsigned gpus = 0;
        if (driver_version(&machine.driver) != kSuccess || count(&gpus) != kSuccess) return std::nullopt;
        for (unsigned i = 0; i < gpus; ++i) {
            void* gpu = nullptr;
            int major = 0, minor = 0;
            std::array<char, kUuidSize> id{};
            if (handle(i, &gpu) != kSuccess || capability(gpu, &major, &minor) != kSuccess ||
                uuid(gpu, id.data(), id.size()) != kSuccess) {
                return std::nullopt;
            }
            // A GPU that is divided (MIG) cannot be used as a whole, and its parts are not listed here.
            unsigned divided = 0, later = 0;
            if (mig_mode(gpu, &divided, &later) == kSuccess && divided != 0) return std::nullopt;
            machine.gpus.push_back({major * 10 + minor, id.data()});
        }
        return machine;
    }
};

}  // namespace

std::optional<Machine> ask_nvml() {
    const auto close = [](void* library) { dlclose(library); };
    const std::unique_ptr<void, decltype(close)> library(dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL));
    if (library == nullptr) return std::nullopt;
    Nvml nvml{};
    nvml.library = library.get();
    if (!nvml.find_all() || nvml.init() != kSuccess) return std::nullopt;
    auto machine = nvml.machine();
    nvml.shutdown();
    return machine;
}

}  // namespace qudnn::ops
