// The part of onnxruntime's C API that examples/hosts/cpp uses, under the official names, so that the example
// compiles where there is no official header. Slots are those of csrc/ort/abi.h and csrc/ort/provider_abi.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern "C" {

struct OrtStatus;
struct OrtEnv;
struct OrtSession;
struct OrtSessionOptions;
struct OrtRunOptions;
struct OrtAllocator;
struct OrtMemoryInfo;
struct OrtValue;
struct OrtTensorTypeAndShapeInfo;
struct OrtEpDevice;
struct OrtCUDAProviderOptionsV2;

enum OrtLoggingLevel { ORT_LOGGING_LEVEL_WARNING = 2 };
enum OrtAllocatorType { OrtDeviceAllocator = 0 };
enum OrtMemType { OrtMemTypeDefault = 0 };
enum ONNXTensorElementDataType { ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT = 1 };

// Functions that the example does not call.
#define SLOTS(from, to) void* slots_##from##_##to[to - from + 1]
#define FUNCTION(name, ...) OrtStatus* (*name)(__VA_ARGS__)

struct OrtApi {
    SLOTS(0, 1);
    const char* (*GetErrorMessage)(const OrtStatus*);
    FUNCTION(CreateEnv, OrtLoggingLevel, const char*, OrtEnv**);
    SLOTS(4, 6);
    FUNCTION(CreateSession, const OrtEnv*, const char*, const OrtSessionOptions*, OrtSession**);
    SLOTS(8, 8);
    FUNCTION(Run, OrtSession*, const OrtRunOptions*, const char* const*, const OrtValue* const*, size_t,
             const char* const*, size_t, OrtValue**);
    FUNCTION(CreateSessionOptions, OrtSessionOptions**);
    SLOTS(11, 35);
    FUNCTION(SessionGetInputName, const OrtSession*, size_t, OrtAllocator*, char**);
    FUNCTION(SessionGetOutputName, const OrtSession*, size_t, OrtAllocator*, char**);
    SLOTS(38, 48);
    FUNCTION(CreateTensorWithDataAsOrtValue, const OrtMemoryInfo*, void*, size_t, const int64_t*, size_t,
             ONNXTensorElementDataType, OrtValue**);
    SLOTS(50, 50);
    FUNCTION(GetTensorMutableData, OrtValue*, void**);
    SLOTS(52, 63);
    FUNCTION(GetTensorShapeElementCount, const OrtTensorTypeAndShapeInfo*, size_t*);
    FUNCTION(GetTensorTypeAndShape, const OrtValue*, OrtTensorTypeAndShapeInfo**);
    SLOTS(66, 68);
    FUNCTION(CreateCpuMemoryInfo, OrtAllocatorType, OrtMemType, OrtMemoryInfo**);
    SLOTS(70, 75);
    FUNCTION(AllocatorFree, OrtAllocator*, void*);
    SLOTS(77, 77);
    FUNCTION(GetAllocatorWithDefaultOptions, OrtAllocator**);
    SLOTS(79, 91);
    void (*ReleaseEnv)(OrtEnv*);
    void (*ReleaseStatus)(OrtStatus*);
    void (*ReleaseMemoryInfo)(OrtMemoryInfo*);
    void (*ReleaseSession)(OrtSession*);
    void (*ReleaseValue)(OrtValue*);
    SLOTS(97, 98);
    void (*ReleaseTensorTypeAndShapeInfo)(OrtTensorTypeAndShapeInfo*);
    void (*ReleaseSessionOptions)(OrtSessionOptions*);
    SLOTS(101, 203);
    FUNCTION(SessionOptionsAppendExecutionProvider_CUDA_V2, OrtSessionOptions*,
             const OrtCUDAProviderOptionsV2*);
    FUNCTION(CreateCUDAProviderOptions, OrtCUDAProviderOptionsV2**);
    SLOTS(206, 207);
    void (*ReleaseCUDAProviderOptions)(OrtCUDAProviderOptionsV2*);
    SLOTS(209, 300);
    FUNCTION(RegisterExecutionProviderLibrary, OrtEnv*, const char*, const char*);
    SLOTS(302, 302);
    FUNCTION(GetEpDevices, const OrtEnv*, const OrtEpDevice* const**, size_t*);
    FUNCTION(SessionOptionsAppendExecutionProvider_V2, OrtSessionOptions*, OrtEnv*, const OrtEpDevice* const*,
             size_t, const char* const*, const char* const*, size_t);
    SLOTS(305, 311);
    const char* (*EpDevice_EpName)(const OrtEpDevice*);
};

static_assert(offsetof(OrtApi, EpDevice_EpName) == 312 * sizeof(void*), "a slot is missing");

#undef SLOTS
#undef FUNCTION

struct OrtApiBase {
    const OrtApi* (*GetApi)(uint32_t);
    const char* (*GetVersionString)();
};

const OrtApiBase* OrtGetApiBase() noexcept;

}  // extern "C"
