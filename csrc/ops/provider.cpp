// QudnnExecutionProvider: for hosts that load providers but no libraries of custom ops. Its factory brings
// the domain of the ops, whose kernels run on the CUDA provider; the provider itself claims no node.
//
// onnxruntime takes the domain when a session's options get the provider, before the session has a
// configuration: so kernels read their session's themselves, when they are created.
#include <algorithm>
#include <array>
#include <string>

#include "export.h"
#include "ops/register.h"
#include "ops/shared/configured.h"
#include "ops/shared/usable_device.h"
#include "ort/binding.h"
#include "ort/provider_abi.h"
#include "ort/session_options.h"
#include "versions.h"

namespace qudnn::ops {

namespace {

constexpr const char* kName = "QudnnExecutionProvider";

std::string context() { return kName; }

// The provider is told only by its options, so a name that it does not have is a mistake.
void check_names(const OrtSessionOptions* options) {
    const std::string prefix = kProviderPrefix;
    for (const std::string& key : ort::ConfigEntries(options).keys()) {
        if (!key.starts_with(prefix)) continue;
        const std::string name = key.substr(prefix.size());
        const std::array known{kTune, kWorkspaceLimit, kCacheDir};
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            throw std::invalid_argument("there is no option '" + name + "', but " + kTune + ", " +
                                        kWorkspaceLimit + " and " + kCacheDir);
        }
    }
}

void warn(const OrtLogger* logger, const std::string& message) {
    ort::call<ort::slots::Logger_LogMessage>(logger, ort::LogLevel::warning, message.c_str(), __FILE__,
                                             __LINE__, __func__);
}

OrtEp* provider() {
    static OrtEp ep = [] {
        OrtEp made{};
        made.version = ort::kProviderApiVersion;
        made.GetName = [](const OrtEp*) { return kName; };
        made.GetCapability = [](OrtEp*, const OrtGraph*, OrtEpGraphSupportInfo*) -> OrtStatus* {
            return nullptr;
        };
        return made;
    }();
    return &ep;
}

OrtStatus* create(OrtEpFactory*, const OrtHardwareDevice* const*, const OrtKeyValuePairs* const*, size_t,
                  const OrtSessionOptions* options, const OrtLogger* logger, OrtEp** made) {
    return ort::guarded(
        [&] {
            check_names(options);
            configuration_of(options);
            if (const std::string& why = no_usable_device(); !why.empty()) {
                warn(logger, "no operators of qudnn, models run on their function bodies: " + why);
            }
            *made = provider();
        },
        context);
}

// One device, the CPU's, for this provider computes nothing: a GPU's would compete with the CUDA provider
// where onnxruntime chooses providers itself. Not one for each GPU: onnxruntime takes the domain once for
// each.
OrtStatus* devices(OrtEpFactory* factory, const OrtHardwareDevice* const* found, size_t count,
                   OrtEpDevice** made, size_t room, size_t* made_count) {
    *made_count = 0;
    const OrtHardwareDevice* const* const last = found + count;
    const auto* const cpu = std::find_if(found, last, [](const OrtHardwareDevice* device) {
        return ort::invoke<ort::slots::HardwareDevice_Type>(device) == ort::HardwareType::cpu;
    });
    if (cpu == last || room == 0) return nullptr;
    const auto make = ort::slots::CreateEpDevice::of(ort::invoke<ort::slots::GetEpApi>());
    OrtStatus* const status = make(factory, *cpu, nullptr, nullptr, made);
    if (status == nullptr) *made_count = 1;
    return status;
}

// Without a GPU there is none: with a domain onnxruntime would look for kernels, not at function bodies.
size_t domain_count() { return no_usable_device().empty() ? 1 : 0; }

OrtEpFactory* factory() {
    static OrtEpFactory only = [] {
        OrtEpFactory made{};
        made.version = ort::kProviderApiVersion;
        made.GetName = [](const OrtEpFactory*) { return kName; };
        made.GetVendor = [](const OrtEpFactory*) { return "qudnn"; };
        made.GetVendorId = [](const OrtEpFactory*) { return uint32_t{0}; };
        made.GetVersion = [](const OrtEpFactory*) { return QUDNN_VERSION; };
        made.GetSupportedDevices = devices;
        made.CreateEp = create;
        made.ReleaseEp = [](OrtEpFactory*, OrtEp*) {};
        // The provider has no memory of its own.
        made.CreateAllocator = [](OrtEpFactory*, const OrtMemoryInfo*, const OrtKeyValuePairs*,
                                  OrtAllocator** allocator) -> OrtStatus* {
            *allocator = nullptr;
            return nullptr;
        };
        made.ReleaseAllocator = [](OrtEpFactory*, OrtAllocator*) {};
        made.CreateDataTransfer = [](OrtEpFactory*, OrtDataTransferImpl** transfer) -> OrtStatus* {
            *transfer = nullptr;
            return nullptr;
        };
        made.IsStreamAware = [](const OrtEpFactory*) { return false; };
        made.GetNumCustomOpDomains = [](OrtEpFactory*, size_t* count) -> OrtStatus* {
            return ort::guarded([&] { *count = domain_count(); }, context);
        };
        made.GetCustomOpDomains = [](OrtEpFactory*, OrtCustomOpDomain** domains, size_t room) -> OrtStatus* {
            return ort::guarded(
                [&] {
                    if (room > 0 && domain_count() > 0) domains[0] = domain_for_any_session();
                },
                context);
        };
        return made;
    }();
    return &only;
}

}  // namespace

}  // namespace qudnn::ops

extern "C" QUDNN_API OrtStatus* CreateEpFactories(const char*, const OrtApiBase* base, const OrtLogger*,
                                                  OrtEpFactory** factories, size_t room, size_t* count) {
    using namespace qudnn;
    *count = 0;
    try {
        OrtStatus* status = nullptr;
        if (!ort::bind(base, ort::kProviderApiVersion, ort::kOldestRuntimeOfProviders, &status))
            return status;
    } catch (...) {
        return nullptr;  // no memory to say why; there is no such provider then
    }
    if (room == 0) return ort::make_status(ort::ErrorCode::invalid_argument, "qudnn: no room for a factory");
    factories[0] = ops::factory();
    *count = 1;
    return nullptr;
}

extern "C" QUDNN_API OrtStatus* ReleaseEpFactory(OrtEpFactory*) { return nullptr; }
