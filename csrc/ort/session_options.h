// What the options of a session say.
#pragma once

#include <optional>
#include <string>

#include "ort/api.h"

namespace qudnn::ort {

// The value of a config entry; nothing where there is none.
std::optional<std::string> config_entry(const OrtSessionOptions* options, const char* key);

}  // namespace qudnn::ort
