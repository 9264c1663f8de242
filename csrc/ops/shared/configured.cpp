#include "ops/shared/configured.h"

#include <string>

#include "ort/session_options.h"
#include "plan/common/options.h"

namespace qudnn::ops {

namespace {

// `entries(key)`: the value of a config entry, nothing where there is none.
template <class Entries>
std::optional<plan::Option> find(const Entries& entries, const char* name) {
    for (const std::string& key : {kProviderPrefix + std::string(name), "qudnn." + std::string(name)}) {
        if (const std::optional<std::string> text = entries(key.c_str())) return plan::Option{key, *text};
    }
    return std::nullopt;
}

template <class Entries>
const plan::Configuration& configuration(const Entries& entries) {
    const plan::Options options{find(entries, kTune), find(entries, kWorkspaceLimit),
                                find(entries, kCacheDir)};
    return plan::intern(plan::parse_configuration(options));
}

}  // namespace

const plan::Configuration& configuration_of(const OrtSessionOptions* options) {
    return configuration([&](const char* key) { return ort::config_entry(options, key); });
}

const plan::Configuration& configuration_of(const OrtKernelInfo* kernel) {
    const ort::ConfigEntries entries(kernel);
    return configuration([&](const char* key) { return entries.find(key); });
}

}  // namespace qudnn::ops
