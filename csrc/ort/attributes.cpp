#include "ort/attributes.h"

#include "bounds.h"

namespace qudnn::ort {

int Attributes::integer(const char* name, int low, int high) const {
    const int64_t value = integer(name);
    require_within(std::string("attribute ") + name, value, low, high);
    return static_cast<int>(value);
}

int64_t Attributes::extent(const char* name, int64_t least) const {
    const int64_t value = integer(name);
    require_within(std::string("attribute ") + name, value, least);
    return value;
}

std::vector<int64_t> Attributes::extents(const char* name, int64_t least) const {
    std::vector<int64_t> values = integers(name);
    for (const int64_t value : values) require_within(std::string("attribute ") + name, value, least);
    return values;
}

namespace {

// What read() returns, or the other value where it throws: the only way to learn that an attribute is not
// there.
template <class Read, class Value>
Value if_there(const Read& read, const Value& otherwise) {
    try {
        return read();
    } catch (const Error&) {
        return otherwise;
    }
}

}  // namespace

std::vector<int64_t> Attributes::optional_integers(const char* name) const {
    return if_there([&] { return integers(name); }, std::vector<int64_t>());
}

std::vector<float> Attributes::optional_reals(const char* name) const {
    return if_there([&] { return reals(name); }, std::vector<float>());
}

float Attributes::optional_real(const char* name, float otherwise) const {
    return if_there([&] { return real(name); }, otherwise);
}

int64_t Attributes::optional_integer(const char* name, int64_t otherwise) const {
    return if_there([&] { return integer(name); }, otherwise);
}

int64_t KernelAttributes::integer(const char* name) const {
    int64_t value = 0;
    call<slots::KernelInfoGetAttribute_int64>(info_, name, &value);
    return value;
}

float KernelAttributes::real(const char* name) const {
    float value = 0;
    call<slots::KernelInfoGetAttribute_float>(info_, name, &value);
    return value;
}

std::vector<int64_t> KernelAttributes::integers(const char* name) const {
    size_t count = 0;
    call<slots::KernelInfoGetAttributeArray_int64>(info_, name, nullptr, &count);
    std::vector<int64_t> values(count);
    call<slots::KernelInfoGetAttributeArray_int64>(info_, name, values.data(), &count);
    return values;
}

std::vector<float> KernelAttributes::reals(const char* name) const {
    size_t count = 0;
    call<slots::KernelInfoGetAttributeArray_float>(info_, name, nullptr, &count);
    std::vector<float> values(count);
    call<slots::KernelInfoGetAttributeArray_float>(info_, name, values.data(), &count);
    return values;
}

std::string KernelAttributes::text(const char* name) const {
    size_t size = 0;
    call<slots::KernelInfoGetAttribute_string>(info_, name, nullptr, &size);
    std::string value(size, '\0');
    call<slots::KernelInfoGetAttribute_string>(info_, name, value.data(), &size);
    value.resize(size > 0 ? size - 1 : 0);  // the size counts the terminating zero
    return value;
}

const OrtOpAttr* InferenceAttributes::find(const char* name) const {
    const OrtOpAttr* attribute = nullptr;
    call<slots::ShapeInferContext_GetAttribute>(context_, name, &attribute);
    return attribute;
}

int64_t InferenceAttributes::integer(const char* name) const {
    int64_t value = 0;
    size_t bytes = 0;
    call<slots::ReadOpAttr>(find(name), AttributeType::int64, &value, sizeof value, &bytes);
    return value;
}

float InferenceAttributes::real(const char* name) const {
    float value = 0;
    size_t bytes = 0;
    call<slots::ReadOpAttr>(find(name), AttributeType::float32, &value, sizeof value, &bytes);
    return value;
}

template <class Value>
std::vector<Value> InferenceAttributes::values(const char* name, AttributeType type) const {
    const OrtOpAttr* attribute = find(name);
    size_t bytes = 0;
    // NOTE: asked with too little room, ReadOpAttr tells the size and returns an error status.
    if (OrtStatus* too_small = invoke<slots::ReadOpAttr>(attribute, type, nullptr, 0, &bytes)) {
        invoke<slots::ReleaseStatus>(too_small);
    }
    std::vector<Value> values(bytes / sizeof(Value));
    if (!values.empty()) call<slots::ReadOpAttr>(attribute, type, values.data(), bytes, &bytes);
    return values;
}

std::vector<int64_t> InferenceAttributes::integers(const char* name) const {
    return values<int64_t>(name, AttributeType::int64s);
}

std::vector<float> InferenceAttributes::reals(const char* name) const {
    return values<float>(name, AttributeType::float32s);
}

std::string InferenceAttributes::text(const char* name) const {
    const std::vector<char> characters = values<char>(name, AttributeType::string);
    return {characters.begin(), characters.end()};
}

std::string node_name(const OrtKernelInfo* info) {
    size_t size = 0;
    call<slots::KernelInfo_GetNodeName>(info, nullptr, &size);
    std::string name(size, '\0');
    call<slots::KernelInfo_GetNodeName>(info, name.data(), &size);
    name.resize(size > 0 ? size - 1 : 0);  // the size counts the terminating zero
    return name;
}

}  // namespace qudnn::ort
