// How a session wants its plans found, read where its configuration can be seen.
#pragma once

#include "ort/abi.h"
#include "plan/common/configuration.h"

namespace qudnn::ops {

// What the provider's options are called in a session's configuration: this and the option's name.
constexpr const char* kProviderPrefix = "ep.qudnnexecutionprovider.";

// The names of the options: of the provider's as they are, of config entries after "qudnn.".
constexpr const char* kTune = "tune";
constexpr const char* kWorkspaceLimit = "workspace_limit";
constexpr const char* kCacheDir = "cache_dir";

// The interned configuration of a session: what options of the provider say, else the config entries, else
// the environment, else the defaults. Throws std::invalid_argument for what cannot be.
const plan::Configuration& configuration_of(const OrtSessionOptions* options);

// The same of the session that creates a kernel. Needs onnxruntime 1.24 or newer.
const plan::Configuration& configuration_of(const OrtKernelInfo* kernel);

}  // namespace qudnn::ops
