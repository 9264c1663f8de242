#include "ort/kernel_context.h"

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace qudnn::ort {

namespace {

struct TypeAndShape {
    OrtTensorTypeAndShapeInfo* info = nullptr;
    explicit TypeAndShape(const OrtValue* value) { call<slots::GetTensorTypeAndShape>(value, &info); }
    TypeAndShape(const TypeAndShape&) = delete;
    ~TypeAndShape() { invoke<slots::ReleaseTensorTypeAndShapeInfo>(info); }
};

void require_size(const Shape& shape) {
    if (!shape.has_size()) throw Error("a tensor of shape " + shape.text() + " is too large");
}

void* data_of(const OrtValue* value) {
    void* data = nullptr;
    call<slots::GetTensorMutableData>(const_cast<OrtValue*>(value), &data);
    return data;
}

// The tensor of a value that has its data there.
Tensor described(const OrtValue* value, void* data) {
    Tensor tensor;
    tensor.data = data;
    size_t rank = 0;
    if (has_version(kShapeReferenceVersion)) {  // which allocates nothing
        const int64_t* dims = nullptr;
        call<slots::GetTensorElementTypeAndShapeDataReference>(value, &tensor.type, &dims, &rank);
        tensor.shape = Shape(rank);
        std::copy_n(dims, rank, tensor.shape.data());
    } else {
        const TypeAndShape described(value);
        call<slots::GetTensorElementType>(described.info, &tensor.type);
        call<slots::GetDimensionsCount>(described.info, &rank);
        tensor.shape = Shape(rank);
        call<slots::GetDimensions>(described.info, tensor.shape.data(), rank);
    }
    require_size(tensor.shape);
    return tensor;
}

}  // namespace

Scratch::~Scratch() {
    if (data_ == nullptr) return;
    if (OrtStatus* status = invoke<slots::AllocatorFree>(allocator_, data_))
        invoke<slots::ReleaseStatus>(status);
}

Allocator::Allocator(const OrtKernelInfo* info) {
    call<slots::KernelInfoGetAllocator>(info, kMemTypeDefault, &allocator_);
}

Allocator::~Allocator() { invoke<slots::ReleaseAllocator>(allocator_); }

ConstantInputs::ConstantInputs(const OrtKernelInfo* info) {
    size_t count = 0;
    call<slots::KernelInfo_GetInputCount>(info, &count);
    for (size_t i = 0; i < count; ++i) {
        int is_constant = 0;
        const OrtValue* value = nullptr;
        call<slots::KernelInfoGetConstantInput_tensor>(info, i, &is_constant, &value);
        inputs_.push_back(is_constant && value != nullptr ? described(value, data_of(value)) : Tensor());
    }
}

std::vector<const void*> ConstantInputs::pointers() const {
    std::vector<const void*> all;
    for (const Tensor& input : inputs_)
        if (input.data != nullptr) all.push_back(input.data);
    return all;
}

Tensor KernelContext::input(size_t index) const {
    const Tensor tensor = optional_input(index);
    if (tensor.type == ElementType::undefined) throw Error("input " + std::to_string(index) + " is missing");
    return tensor;
}

Tensor KernelContext::optional_input(size_t index) const {
    if (const Tensor* const constant = constants_.find(index)) return *constant;
    const OrtValue* value = nullptr;
    call<slots::KernelContext_GetInput>(context_, index, &value);
    return value != nullptr ? described(value, data_of(value)) : Tensor();
}

Tensor KernelContext::output(size_t index, const Shape& shape) {
    OrtValue* const value = make_output(index, shape);
    if (value == nullptr) throw Error("output " + std::to_string(index) + " is missing");
    return {ElementType::undefined, shape, data_of(value)};
}

Tensor KernelContext::optional_output(size_t index, const Shape& shape) {
    OrtValue* const value = make_output(index, shape);
    if (value == nullptr) return {};
    return {ElementType::undefined, shape, data_of(value)};
}

OrtValue* KernelContext::make_output(size_t index, const Shape& shape) {
    require_size(shape);
    OrtValue* value = nullptr;
    call<slots::KernelContext_GetOutput>(context_, index, shape.data(), shape.rank(), &value);
    if (value != nullptr) output_ = value;
    return value;
}

CUstream_st* KernelContext::stream() const {
    void* stream = nullptr;
    call<slots::KernelContext_GetGPUComputeStream>(context_, &stream);
    return static_cast<CUstream_st*>(stream);
}

cudnnContext* KernelContext::cudnn() const {
    void* handle = nullptr;
    if (OrtStatus* none = invoke<slots::KernelContext_GetResource>(context_, kResourceVersion,
                                                                   kResourceCudnnHandle, &handle)) {
        invoke<slots::ReleaseStatus>(none);
        return nullptr;
    }
    return static_cast<cudnnContext*>(handle);
}

int KernelContext::device() const {
    if (device_ < 0) {
        void* device = nullptr;
        call<slots::KernelContext_GetResource>(context_, kResourceVersion, kResourceDeviceId, &device);
        device_ = static_cast<int>(reinterpret_cast<intptr_t>(device));  // the pointer's value is the number
    }
    return device_;
}

bool KernelContext::use_tf32() const {
    void* option = nullptr;
    call<slots::KernelContext_GetResource>(context_, kResourceVersion, kResourceUseTf32, &option);
    return option != nullptr;  // again the pointer's value
}

Scratch KernelContext::scratch(size_t bytes) const {
    void* data = nullptr;
    if (bytes > 0) {
        // NOTE: if memory is out, GetScratchBuffer ends the process: the allocator's exception meets a
        // noexcept. The allocator's own function returns a status, but does not tie the memory to a stream.
        // So it is asked first, and the lock keeps other ops from taking what it found. ORT's own
        // allocations, in another run of the same session, still may take it in between.
        static std::mutex* const asking = new std::mutex;
        const std::lock_guard lock(*asking);
        const OrtMemoryInfo* memory = nullptr;
        call<slots::GetTensorMemoryInfo>(output_, &memory);
        call<slots::AllocatorAlloc>(allocator_, bytes, &data);
        call<slots::AllocatorFree>(allocator_, data);
        call<slots::KernelContext_GetScratchBuffer>(context_, memory, bytes, &data);
        if (data == nullptr)
            throw Error("out of GPU memory for a workspace of " + std::to_string(bytes) + " bytes");
    }
    return Scratch(allocator_, data);
}

void KernelContext::log(LogLevel level, const std::string& message) const noexcept {
    const OrtLogger* logger = nullptr;
    OrtStatus* status = invoke<slots::KernelContext_GetLogger>(context_, &logger);
    if (status == nullptr) {
        status = invoke<slots::Logger_LogMessage>(logger, level, message.c_str(), __FILE_NAME__, __LINE__,
                                                  "qudnn");
    }
    if (status != nullptr) invoke<slots::ReleaseStatus>(status);
}

}  // namespace qudnn::ort
