// NVML, the driver's management library: it lists the GPUs without starting CUDA.
#pragma once

#include <optional>

#include "ops/shared/usable_device.h"

namespace qudnn::ops {

// What it says; nothing if it is not installed or fails. It is loaded at run time and unloaded again.
std::optional<Machine> ask_nvml();

}  // namespace qudnn::ops
