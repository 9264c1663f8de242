// The driver's management library: knows the GPUs without CUDA.
#pragma once

#include <optional>

#include "ops/usable_device.h"

namespace qudnn::ops {

// What it says; nothing where it is not there or fails. It is found at run time and left as it was.
std::optional<Machine> ask_nvml();

}  // namespace qudnn::ops
