// The part of ONNX Runtime's C ABI for providers in libraries of their own, as API version 24 has it. It is
// append-only, too; of a later version the runtime calls what is null here, or beyond the end, never.
#pragma once

#include "ort/abi.h"

struct OrtKeyValuePairs;
struct OrtHardwareDevice;
struct OrtEpApi;
struct OrtEpDevice;
struct OrtGraph;
struct OrtNode;
struct OrtEpGraphSupportInfo;
struct OrtNodeComputeInfo;
struct OrtDataTransferImpl;

// A provider of one session. It claims no node: the functions after the first two are never called.
struct OrtEp {
    uint32_t version;
    const char* (*GetName)(const OrtEp*);
    OrtStatus* (*GetCapability)(OrtEp*, const OrtGraph*, OrtEpGraphSupportInfo*);
    void* others[16];
};

// What makes providers, one for the process.
struct OrtEpFactory {
    uint32_t version;
    const char* (*GetName)(const OrtEpFactory*);
    const char* (*GetVendor)(const OrtEpFactory*);
    OrtStatus* (*GetSupportedDevices)(OrtEpFactory*, const OrtHardwareDevice* const*, size_t, OrtEpDevice**,
                                      size_t, size_t*);
    OrtStatus* (*CreateEp)(OrtEpFactory*, const OrtHardwareDevice* const*, const OrtKeyValuePairs* const*,
                           size_t, const OrtSessionOptions*, const OrtLogger*, OrtEp**);
    void (*ReleaseEp)(OrtEpFactory*, OrtEp*);
    uint32_t (*GetVendorId)(const OrtEpFactory*);
    const char* (*GetVersion)(const OrtEpFactory*);
    void* ValidateCompiledModelCompatibilityInfo;
    OrtStatus* (*CreateAllocator)(OrtEpFactory*, const OrtMemoryInfo*, const OrtKeyValuePairs*,
                                  OrtAllocator**);
    void (*ReleaseAllocator)(OrtEpFactory*, OrtAllocator*);
    OrtStatus* (*CreateDataTransfer)(OrtEpFactory*, OrtDataTransferImpl**);
    bool (*IsStreamAware)(const OrtEpFactory*);
    void* CreateSyncStreamForDevice;
    void* GetHardwareDeviceIncompatibilityDetails;
    void* CreateExternalResourceImporterForDevice;
    OrtStatus* (*GetNumCustomOpDomains)(OrtEpFactory*, size_t*);
    OrtStatus* (*GetCustomOpDomains)(OrtEpFactory*, OrtCustomOpDomain**, size_t);
};

namespace qudnn::ort {

// The oldest API version with all of this.
constexpr uint32_t kProviderApiVersion = 24;
constexpr const char* kOldestRuntimeOfProviders = "1.24";

enum class HardwareType : int { cpu = 0, gpu = 1, npu = 2 };

namespace slots {
// clang-format off
using GetKeyValue                    = Slot<297, const char*(const OrtKeyValuePairs*, const char*)>;
using GetKeyValuePairs               = Slot<298, void(const OrtKeyValuePairs*, const char* const**, const char* const**, size_t*)>;
using ReleaseKeyValuePairs           = Slot<300, void(OrtKeyValuePairs*)>;
using HardwareDevice_Type            = Slot<307, HardwareType(const OrtHardwareDevice*)>;
using GetEpApi                       = Slot<317, const OrtEpApi*()>;
using GetSessionOptionsConfigEntries = Slot<379, OrtStatus*(const OrtSessionOptions*, OrtKeyValuePairs**)>;
using KernelInfo_GetConfigEntries    = Slot<391, OrtStatus*(const OrtKernelInfo*, OrtKeyValuePairs**)>;
// clang-format on

// Of OrtEpApi, which is a table as OrtApi is.
struct CreateEpDevice {
    using Pointer = OrtStatus* (*)(OrtEpFactory*, const OrtHardwareDevice*, const OrtKeyValuePairs*,
                                   const OrtKeyValuePairs*, OrtEpDevice**);
    static Pointer of(const OrtEpApi* api) { return reinterpret_cast<Pointer const*>(api)[0]; }
};
}  // namespace slots

}  // namespace qudnn::ort
