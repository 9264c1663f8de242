// The table of ops by name.
#pragma once

#include <string>

#include "export.h"
#include "ort/attributes.h"
#include "plan/common/configuration.h"

namespace qudnn::ops {

// The domain of all ops, for a runtime that asks for it without a session: each kernel asks its own for the
// configuration, as onnxruntime 1.24 and newer can say it. Lives as long as the process.
OrtCustomOpDomain* domain_for_any_session();

// Reads an op's attributes as its kernel does when a session is created. Throws what the kernel throws, and
// std::invalid_argument if there is no op of that name.
QUDNN_API void read_attributes(const std::string& op, const ort::Attributes& attributes);

// A new op of that name for one interned configuration, for as long as the process lives. Throws
// std::invalid_argument if there is none.
const OrtCustomOp* find_op(const std::string& op, const plan::Configuration& configuration);

}  // namespace qudnn::ops
