// Is there a GPU that the ops can run on?
#pragma once

#include <string>

namespace qudnn::ops {

// Why this process has no usable GPU; empty where it has one. Looked up once; says it on standard error
// where the environment sets QUDNN_VERBOSE.
const std::string& no_usable_device();

}  // namespace qudnn::ops
