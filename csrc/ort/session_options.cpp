#include "ort/session_options.h"

#include "ort/provider_abi.h"

namespace qudnn::ort {

std::optional<std::string> config_entry(const OrtSessionOptions* options, const char* key) {
    int present = 0;
    call<slots::HasSessionConfigEntry>(options, key, &present);
    if (present == 0) return std::nullopt;
    size_t size = 0;
    call<slots::GetSessionConfigEntry>(options, key, nullptr, &size);
    std::string value(size, '\0');
    call<slots::GetSessionConfigEntry>(options, key, value.data(), &size);
    value.resize(size > 0 ? size - 1 : 0);  // the size counts the terminating zero
    return value;
}

ConfigEntries::ConfigEntries(const OrtSessionOptions* options) {
    call<slots::GetSessionOptionsConfigEntries>(options, &pairs_);
}

ConfigEntries::ConfigEntries(const OrtKernelInfo* kernel) {
    call<slots::KernelInfo_GetConfigEntries>(kernel, &pairs_);
}

ConfigEntries::~ConfigEntries() { invoke<slots::ReleaseKeyValuePairs>(pairs_); }

std::optional<std::string> ConfigEntries::find(const char* key) const {
    const char* const value = invoke<slots::GetKeyValue>(pairs_, key);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::vector<std::string> ConfigEntries::keys() const {
    const char* const* keys = nullptr;
    const char* const* values = nullptr;
    size_t count = 0;
    invoke<slots::GetKeyValuePairs>(pairs_, &keys, &values, &count);
    return {keys, keys + count};
}

}  // namespace qudnn::ort
