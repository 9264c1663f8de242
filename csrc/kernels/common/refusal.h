// Why a kernel does not take a problem. Each kernel has a function with one line for each condition; it
// returns the reason as a text, empty if the kernel takes the problem.
#pragma once

#include <string>

#include "kernels/common/gpu.h"

namespace qudnn::kernels {

// Why the current GPU does not run kernels for this compute capability; empty if it does.
inline std::string gpu_refusal(int major) {
    if (current_gpu().major >= major) return {};
    return "needs a GPU of compute capability " + std::to_string(major) + ".0 or newer";
}

}  // namespace qudnn::kernels
