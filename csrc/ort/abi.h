// The part of ONNX Runtime's C ABI that this library uses. No package ships the official header; the
// ABI is append-only, so a function's index in the table never changes.
#pragma once

#include <cstddef>
#include <cstdint>

struct OrtStatus;
struct OrtSessionOptions;
struct OrtCustomOpDomain;
struct OrtValue;
struct OrtTensorTypeAndShapeInfo;
struct OrtMemoryInfo;
struct OrtAllocator;
struct OrtKernelInfo;
struct OrtKernelContext;
struct OrtLogger;
struct OrtShapeInferContext;
struct OrtOpAttr;
struct OrtCustomOp;

// A table of function pointers only; `ort::Api` calls them by index and type.
struct OrtApi;

struct OrtApiBase {
    const OrtApi* (*GetApi)(uint32_t version);
    const char* (*GetVersionString)();
};

namespace qudnn::ort {

// The oldest API version with every slot below; what the library asks the runtime for.
constexpr uint32_t kApiVersion = 18;
constexpr const char* kOldestRuntime = "1.18";
// The oldest one with GetTensorElementTypeAndShapeDataReference, which is used where there is one.
constexpr uint32_t kShapeReferenceVersion = 24;

enum class ElementType : int {
    undefined = 0,
    float32 = 1,
    uint8 = 2,
    int8 = 3,
    int32 = 6,
    int64 = 7,
    boolean = 9,
    float16 = 10
};
enum class LogLevel : int { verbose = 0, info = 1, warning = 2, error = 3, fatal = 4 };
enum class ErrorCode : int { fail = 1, invalid_argument = 2, runtime_exception = 6, not_implemented = 9 };
enum class AttributeType : int { int64 = 1, int64s = 2, float32 = 3, float32s = 4, string = 5 };
constexpr int kMemTypeDefault = 0, kMemTypeCpuInput = -2;
constexpr int kRequired = 0, kOptional = 1;  // characteristics of inputs and outputs

// Resources of the CUDA provider, as KernelContext_GetResource names them.
constexpr int kResourceVersion = 3;
constexpr int kResourceCudaStream = 10000;
constexpr int kResourceCudnnHandle = 10001;
constexpr int kResourceDeviceId = 10004;
constexpr int kResourceUseTf32 = 10011;

// A slot of OrtApi: its index and its C type.
template <size_t Index, class Function>
struct Slot;

template <size_t Index, class Result, class... Arguments>
struct Slot<Index, Result(Arguments...)> {
    using Pointer = Result (*)(Arguments...);
    static Pointer of(const OrtApi* api) { return reinterpret_cast<Pointer const*>(api)[Index]; }
};

namespace slots {
// clang-format off
using CreateStatus                    = Slot<0,   OrtStatus*(ErrorCode, const char*)>;
using GetErrorMessage                 = Slot<2,   const char*(const OrtStatus*)>;
using CreateCustomOpDomain            = Slot<26,  OrtStatus*(const char*, OrtCustomOpDomain**)>;
using CustomOpDomain_Add              = Slot<27,  OrtStatus*(OrtCustomOpDomain*, const OrtCustomOp*)>;
using AddCustomOpDomain               = Slot<28,  OrtStatus*(OrtSessionOptions*, OrtCustomOpDomain*)>;
using GetTensorMutableData            = Slot<51,  OrtStatus*(OrtValue*, void**)>;
using CreateTensorTypeAndShapeInfo    = Slot<57,  OrtStatus*(OrtTensorTypeAndShapeInfo**)>;
using SetTensorElementType            = Slot<58,  OrtStatus*(OrtTensorTypeAndShapeInfo*, ElementType)>;
using SetDimensions                   = Slot<59,  OrtStatus*(OrtTensorTypeAndShapeInfo*, const int64_t*, size_t)>;
using GetTensorElementType            = Slot<60,  OrtStatus*(const OrtTensorTypeAndShapeInfo*, ElementType*)>;
using GetDimensionsCount              = Slot<61,  OrtStatus*(const OrtTensorTypeAndShapeInfo*, size_t*)>;
using GetDimensions                   = Slot<62,  OrtStatus*(const OrtTensorTypeAndShapeInfo*, int64_t*, size_t)>;
using GetSymbolicDimensions           = Slot<63,  OrtStatus*(const OrtTensorTypeAndShapeInfo*, const char**, size_t)>;
using GetTensorTypeAndShape           = Slot<65,  OrtStatus*(const OrtValue*, OrtTensorTypeAndShapeInfo**)>;
using AllocatorAlloc                  = Slot<75,  OrtStatus*(OrtAllocator*, size_t, void**)>;
using AllocatorFree                   = Slot<76,  OrtStatus*(OrtAllocator*, void*)>;
using KernelInfoGetAttribute_float    = Slot<85,  OrtStatus*(const OrtKernelInfo*, const char*, float*)>;
using KernelInfoGetAttribute_int64    = Slot<86,  OrtStatus*(const OrtKernelInfo*, const char*, int64_t*)>;
using KernelInfoGetAttribute_string   = Slot<87,  OrtStatus*(const OrtKernelInfo*, const char*, char*, size_t*)>;
using KernelContext_GetInput          = Slot<90,  OrtStatus*(const OrtKernelContext*, size_t, const OrtValue**)>;
using KernelContext_GetOutput         = Slot<91,  OrtStatus*(OrtKernelContext*, size_t, const int64_t*, size_t, OrtValue**)>;
using ReleaseStatus                   = Slot<93,  void(OrtStatus*)>;
using ReleaseTensorTypeAndShapeInfo   = Slot<99,  void(OrtTensorTypeAndShapeInfo*)>;
using ReleaseAllocator                = Slot<132, void(OrtAllocator*)>;
using KernelInfoGetAttributeArray_float = Slot<162, OrtStatus*(const OrtKernelInfo*, const char*, float*, size_t*)>;
using KernelInfoGetAttributeArray_int64 = Slot<163, OrtStatus*(const OrtKernelInfo*, const char*, int64_t*, size_t*)>;
using GetTensorMemoryInfo             = Slot<194, OrtStatus*(const OrtValue*, const OrtMemoryInfo**)>;
using HasSessionConfigEntry           = Slot<237, OrtStatus*(const OrtSessionOptions*, const char*, int*)>;
using GetSessionConfigEntry           = Slot<238, OrtStatus*(const OrtSessionOptions*, const char*, char*, size_t*)>;
using KernelInfo_GetInputCount        = Slot<230, OrtStatus*(const OrtKernelInfo*, size_t*)>;
using KernelInfo_GetNodeName          = Slot<244, OrtStatus*(const OrtKernelInfo*, char*, size_t*)>;
using KernelContext_GetLogger         = Slot<246, OrtStatus*(const OrtKernelContext*, const OrtLogger**)>;
using Logger_LogMessage               = Slot<247, OrtStatus*(const OrtLogger*, LogLevel, const char*, const char*, int, const char*)>;
using KernelInfoGetConstantInput_tensor = Slot<249, OrtStatus*(const OrtKernelInfo*, size_t, int*, const OrtValue**)>;
using KernelContext_GetGPUComputeStream = Slot<193, OrtStatus*(const OrtKernelContext*, void**)>;
using KernelContext_GetResource       = Slot<265, OrtStatus*(const OrtKernelContext*, int, int, void**)>;
using ShapeInferContext_GetInputTypeShape = Slot<268, OrtStatus*(const OrtShapeInferContext*, size_t, OrtTensorTypeAndShapeInfo**)>;
using ShapeInferContext_GetAttribute  = Slot<269, OrtStatus*(const OrtShapeInferContext*, const char*, const OrtOpAttr**)>;
using ShapeInferContext_SetOutputTypeShape = Slot<270, OrtStatus*(const OrtShapeInferContext*, size_t, const OrtTensorTypeAndShapeInfo*)>;
using SetSymbolicDimensions           = Slot<271, OrtStatus*(OrtTensorTypeAndShapeInfo*, const char**, size_t)>;
using ReadOpAttr                      = Slot<272, OrtStatus*(const OrtOpAttr*, AttributeType, void*, size_t, size_t*)>;
using KernelContext_GetScratchBuffer  = Slot<277, OrtStatus*(const OrtKernelContext*, const OrtMemoryInfo*, size_t, void**)>;
using KernelInfoGetAllocator          = Slot<278, OrtStatus*(const OrtKernelInfo*, int, OrtAllocator**)>;
using GetTensorElementTypeAndShapeDataReference = Slot<414, OrtStatus*(const OrtValue*, ElementType*, const int64_t**, size_t*)>;
// clang-format on
}  // namespace slots

}  // namespace qudnn::ort

// What ORT calls, up to API version 18; `version` tells it how many fields there are.
struct OrtCustomOp {
    using ElementType = qudnn::ort::ElementType;

    uint32_t version;
    void* (*CreateKernel)(const OrtCustomOp*, const OrtApi*, const OrtKernelInfo*);
    const char* (*GetName)(const OrtCustomOp*);
    const char* (*GetExecutionProviderType)(const OrtCustomOp*);
    ElementType (*GetInputType)(const OrtCustomOp*, size_t);
    size_t (*GetInputTypeCount)(const OrtCustomOp*);
    ElementType (*GetOutputType)(const OrtCustomOp*, size_t);
    size_t (*GetOutputTypeCount)(const OrtCustomOp*);
    void (*KernelCompute)(void*, OrtKernelContext*);
    void (*KernelDestroy)(void*);
    int (*GetInputCharacteristic)(const OrtCustomOp*, size_t);
    int (*GetOutputCharacteristic)(const OrtCustomOp*, size_t);
    int (*GetInputMemoryType)(const OrtCustomOp*, size_t);
    int (*GetVariadicInputMinArity)(const OrtCustomOp*);
    int (*GetVariadicInputHomogeneity)(const OrtCustomOp*);
    int (*GetVariadicOutputMinArity)(const OrtCustomOp*);
    int (*GetVariadicOutputHomogeneity)(const OrtCustomOp*);
    OrtStatus* (*CreateKernelV2)(const OrtCustomOp*, const OrtApi*, const OrtKernelInfo*, void**);
    OrtStatus* (*KernelComputeV2)(void*, OrtKernelContext*);
    OrtStatus* (*InferOutputShapeFn)(const OrtCustomOp*, OrtShapeInferContext*);
    int (*GetStartVersion)(const OrtCustomOp*);
    int (*GetEndVersion)(const OrtCustomOp*);
    size_t (*GetMayInplace)(int**, int**);
    void (*ReleaseMayInplace)(int*, int*);
    size_t (*GetAliasMap)(int**, int**);
    void (*ReleaseAliasMap)(int*, int*);
};
