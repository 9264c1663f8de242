#include "testing/fakes/runtime.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "ort/api.h"
#include "testing/fakes/allocations.h"
#include "testing/fakes/function_table.h"

struct OrtStatus {
    std::string message;
};

namespace qudnn::testing {

namespace {

using ort::ElementType;
namespace slots = ort::slots;

std::atomic<uint64_t> descriptions{0}, scratch{0}, questions{0};

template <class Name, class Values>
OrtStatus* find(const Values& values, Name name, const typename Values::mapped_type** found) {
    const auto place = values.find(name);
    if (place == values.end()) return new OrtStatus{std::string("no attribute ") + name};
    *found = &place->second;
    return nullptr;
}

template <class Values, class Value>
OrtStatus* copy_found(const Values& values, const char* name, Value* to, size_t* count) {
    const std::vector<Value>* found = nullptr;
    if (OrtStatus* const none = find(values, name, &found)) return none;
    if (to != nullptr) std::copy(found->begin(), found->end(), to);
    return *count = found->size(), nullptr;
}

// As onnxruntime's arena it gives the same memory to runs that ask for the same one after the other.
class Arena {
  public:
    void* take(size_t bytes) {
        const Uncounted own;
        const std::lock_guard lock(mutex_);
        const size_t size = (bytes + 255) / 256 * 256;
        auto& free = free_[size];
        if (free.empty()) {
            void* const fresh = std::aligned_alloc(256, size);
            sizes_[fresh] = size;
            return fresh;
        }
        void* const known = free.back();
        free.pop_back();
        return known;
    }
    void give_back(void* memory) {
        const Uncounted own;
        const std::lock_guard lock(mutex_);
        free_[sizes_.at(memory)].push_back(memory);
    }

  private:
    std::mutex mutex_;
    std::map<void*, size_t> sizes_;
    std::map<size_t, std::vector<void*>> free_;
};

Arena& arena() {
    static auto* const arena = new Arena;  // never destroyed
    return *arena;
}

// Tells the size where there is too little room.
OrtStatus* read_attribute(const OrtOpAttr* attribute, ort::AttributeType type, void* to, size_t room,
                          size_t* bytes) {
    using Type = ort::AttributeType;
    const auto copied = [&](const auto* values, size_t count) -> OrtStatus* {
        *bytes = count * sizeof *values;
        if (*bytes > room) return new OrtStatus{"too little room"};
        if (*bytes > 0) std::memcpy(to, values, *bytes);
        return nullptr;
    };
    if (type == Type::int64 || type == Type::int64s)
        return copied(attribute->integers.data(), attribute->integers.size());
    if (type == Type::float32 || type == Type::float32s)
        return copied(attribute->reals.data(), attribute->reals.size());
    return copied(attribute->text.data(), attribute->text.size());
}

class Table : public FunctionTable<512> {
  public:
    Table() {
        set<slots::CreateStatus>([](ort::ErrorCode, const char* text) { return new OrtStatus{text}; });
        set<slots::GetErrorMessage>([](const OrtStatus* status) { return status->message.c_str(); });
        set<slots::ReleaseStatus>([](OrtStatus* status) { delete status; });
        set_tensors();
        set_kernels();
        set_runs();
        set_inference();
    }

  private:
    void set_tensors() {
        set<slots::GetTensorMutableData>([](OrtValue* value, void** data) -> OrtStatus* {
            ++questions;
            return *data = value->data, nullptr;
        });
        set<slots::GetTensorTypeAndShape>([](const OrtValue* value, OrtTensorTypeAndShapeInfo** info) {
            ++descriptions;
            return *info = new OrtTensorTypeAndShapeInfo{value, {}, {}}, static_cast<OrtStatus*>(nullptr);
        });
        set<slots::ReleaseTensorTypeAndShapeInfo>([](OrtTensorTypeAndShapeInfo* info) { delete info; });
        set<slots::GetTensorElementType>(
            [](const OrtTensorTypeAndShapeInfo* info, ElementType* type) -> OrtStatus* {
                return *type = info->described().type, nullptr;
            });
        set<slots::GetDimensionsCount>([](const OrtTensorTypeAndShapeInfo* info, size_t* rank) -> OrtStatus* {
            return *rank = info->described().dims.size(), nullptr;
        });
        set<slots::GetDimensions>(
            [](const OrtTensorTypeAndShapeInfo* info, int64_t* dims, size_t rank) -> OrtStatus* {
                std::copy_n(info->described().dims.begin(), rank, dims);
                return nullptr;
            });
        set<slots::GetTensorElementTypeAndShapeDataReference>(
            [](const OrtValue* value, ElementType* type, const int64_t** dims, size_t* rank) -> OrtStatus* {
                ++questions;
                *type = value->type, *dims = value->dims.data(), *rank = value->dims.size();
                return nullptr;
            });
        set<slots::GetTensorMemoryInfo>([](const OrtValue*, const OrtMemoryInfo** memory) -> OrtStatus* {
            return *memory = nullptr, nullptr;
        });
    }

    void set_kernels() {
        set<slots::KernelInfo_GetNodeName>([](const OrtKernelInfo*, char* name, size_t* size) -> OrtStatus* {
            if (name != nullptr) std::strcpy(name, "fake");
            return *size = sizeof "fake", nullptr;
        });
        set<slots::KernelInfoGetAttribute_int64>(
            [](const OrtKernelInfo* info, const char* name, int64_t* value) -> OrtStatus* {
                const std::vector<int64_t>* found = nullptr;
                if (OrtStatus* const none = find(info->integers, name, &found)) return none;
                return *value = found->at(0), nullptr;
            });
        set<slots::KernelInfoGetAttribute_float>(
            [](const OrtKernelInfo* info, const char* name, float* value) -> OrtStatus* {
                const std::vector<float>* found = nullptr;
                if (OrtStatus* const none = find(info->reals, name, &found)) return none;
                return *value = found->at(0), nullptr;
            });
        set<slots::KernelInfoGetAttributeArray_int64>(
            [](const OrtKernelInfo* info, const char* name, int64_t* values, size_t* count) {
                return copy_found(info->integers, name, values, count);
            });
        set<slots::KernelInfoGetAttributeArray_float>(
            [](const OrtKernelInfo* info, const char* name, float* values, size_t* count) {
                return copy_found(info->reals, name, values, count);
            });
        set<slots::KernelInfoGetAttribute_string>(
            [](const OrtKernelInfo* info, const char* name, char* text, size_t* size) -> OrtStatus* {
                const std::string* found = nullptr;
                if (OrtStatus* const none = find(info->texts, name, &found)) return none;
                if (text != nullptr) std::strcpy(text, found->c_str());
                return *size = found->size() + 1, nullptr;
            });
        set<slots::KernelInfo_GetInputCount>([](const OrtKernelInfo* info, size_t* count) -> OrtStatus* {
            return *count = info->constants.size(), nullptr;
        });
        set<slots::KernelInfoGetConstantInput_tensor>(
            [](const OrtKernelInfo* info, size_t index, int* is_one, const OrtValue** value) -> OrtStatus* {
                const OrtValue& constant = info->constants.at(index);
                *is_one = constant.type != ElementType::undefined;
                return *value = &constant, nullptr;
            });
        set<slots::KernelInfoGetAllocator>(
            [](const OrtKernelInfo*, int, OrtAllocator** allocator) -> OrtStatus* {
                return *allocator = nullptr, nullptr;
            });
        set<slots::ReleaseAllocator>([](OrtAllocator*) {});
    }

    void set_inference() {
        set<slots::ShapeInferContext_GetInputTypeShape>([](const OrtShapeInferContext* context, size_t index,
                                                           OrtTensorTypeAndShapeInfo** info) -> OrtStatus* {
            *info = const_cast<OrtTensorTypeAndShapeInfo*>(&context->inputs.at(index));
            return nullptr;
        });
        set<slots::GetSymbolicDimensions>(
            [](const OrtTensorTypeAndShapeInfo* info, const char** symbols, size_t rank) -> OrtStatus* {
                for (size_t i = 0; i < rank; ++i) symbols[i] = info->symbols.at(i).c_str();
                return nullptr;
            });
        set<slots::ShapeInferContext_GetAttribute>(
            [](const OrtShapeInferContext* context, const char* name, const OrtOpAttr** attribute) {
                return find(context->attributes, name, attribute);
            });
        set<slots::ReadOpAttr>(read_attribute);
        set<slots::CreateTensorTypeAndShapeInfo>([](OrtTensorTypeAndShapeInfo** info) -> OrtStatus* {
            return *info = new OrtTensorTypeAndShapeInfo{nullptr, {}, {}}, nullptr;
        });
        set<slots::SetTensorElementType>([](OrtTensorTypeAndShapeInfo* info, ElementType type) -> OrtStatus* {
            return info->own.type = type, nullptr;
        });
        set<slots::SetDimensions>(
            [](OrtTensorTypeAndShapeInfo* info, const int64_t* dims, size_t rank) -> OrtStatus* {
                return info->own.dims.assign(dims, dims + rank), nullptr;
            });
        set<slots::SetSymbolicDimensions>(
            [](OrtTensorTypeAndShapeInfo* info, const char** symbols, size_t rank) -> OrtStatus* {
                return info->symbols.assign(symbols, symbols + rank), nullptr;
            });
        set<slots::ShapeInferContext_SetOutputTypeShape>(
            [](const OrtShapeInferContext* context, size_t index,
               const OrtTensorTypeAndShapeInfo* info) -> OrtStatus* {
                if (index == 0) const_cast<OrtShapeInferContext*>(context)->output = *info;
                return nullptr;
            });
    }

    void set_runs() {
        set<slots::KernelContext_GetInput>(
            [](const OrtKernelContext* context, size_t index, const OrtValue** value) -> OrtStatus* {
                ++questions;
                return *value = &context->inputs.at(index), nullptr;
            });
        set<slots::KernelContext_GetOutput>([](OrtKernelContext* context, size_t index, const int64_t* dims,
                                               size_t rank, OrtValue** value) -> OrtStatus* {
            const Uncounted own;
            ++questions;
            *value = &context->outputs.at(index);
            return (*value)->dims.assign(dims, dims + rank), nullptr;
        });
        set<slots::KernelContext_GetGPUComputeStream>(
            [](const OrtKernelContext*, void** stream) -> OrtStatus* {
                ++questions;
                return *stream = nullptr, nullptr;
            });
        set<slots::KernelContext_GetResource>(
            [](const OrtKernelContext*, int, int, void** resource) -> OrtStatus* {
                ++questions;
                return *resource = nullptr, nullptr;  // GPU 0, no cuDNN
            });
        set<slots::KernelContext_GetLogger>([](const OrtKernelContext*, const OrtLogger** logger) {
            return *logger = nullptr, static_cast<OrtStatus*>(nullptr);
        });
        set<slots::Logger_LogMessage>([](const OrtLogger*, ort::LogLevel, const char*, const char*, int,
                                         const char*) -> OrtStatus* { return nullptr; });
        set<slots::AllocatorAlloc>([](OrtAllocator*, size_t bytes, void** memory) -> OrtStatus* {
            return *memory = arena().take(bytes), nullptr;
        });
        set<slots::AllocatorFree>(
            [](OrtAllocator*, void* memory) -> OrtStatus* { return arena().give_back(memory), nullptr; });
        set<slots::KernelContext_GetScratchBuffer>(
            [](const OrtKernelContext*, const OrtMemoryInfo*, size_t bytes, void** memory) -> OrtStatus* {
                ++scratch;
                return *memory = arena().take(bytes), nullptr;
            });
    }
};

}  // namespace

RuntimeCalls take_runtime_calls() {
    return {descriptions.exchange(0), scratch.exchange(0), questions.exchange(0)};
}

void use_fake_runtime(uint32_t version) {
    static const Table table;
    if (!ort::bind(table.api(), version))
        throw std::logic_error("sessions of a real onnxruntime use the fakes in this process");
}

}  // namespace qudnn::testing
