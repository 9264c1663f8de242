// What the configuration of a session says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ort/api.h"

struct OrtKeyValuePairs;

namespace qudnn::ort {

// The value of a config entry; nothing where there is none.
std::optional<std::string> config_entry(const OrtSessionOptions* options, const char* key);

// All config entries of a session, by way of its options (onnxruntime 1.23 and newer) or of one of its
// kernels (1.24 and newer).
class ConfigEntries {
  public:
    explicit ConfigEntries(const OrtSessionOptions* options);
    explicit ConfigEntries(const OrtKernelInfo* kernel);
    ConfigEntries(const ConfigEntries&) = delete;
    ~ConfigEntries();

    // Nothing where there is none.
    std::optional<std::string> find(const char* key) const;
    std::vector<std::string> keys() const;

  private:
    OrtKeyValuePairs* pairs_ = nullptr;
};

}  // namespace qudnn::ort
