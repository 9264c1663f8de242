// Why a kernel does not take a problem: each has a function of one line for each condition, which returns the
// reason as a text, empty where there is none.
#pragma once

#include <string>

#include "kernels/common/gpu.h"

namespace qudnn::kernels {

// Why the current GPU runs no kernels of that compute capability.
inline std::string gpu_refusal(int major) {
    if (Gpu().major >= major) return {};
    return "needs a GPU of compute capability " + std::to_string(major) + ".0 or newer";
}

}  // namespace qudnn::kernels
