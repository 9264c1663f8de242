#include "ort/session_options.h"

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

}  // namespace qudnn::ort
