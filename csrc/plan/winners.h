// Kernels of cuDNN that were the fastest of all for problems that were measured, by GPU generation.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "export.h"

namespace qudnn::plan {

// Of GPUs of this compute capability's major version: names as plans have them, the one that won most often
// first. Empty where nothing was measured.
QUDNN_API std::span<const std::string_view> winners(int major);

// The kernel's place among them; Entrant::kNoRank where it is none of them.
size_t rank_of(const std::string& kernel, int major);

}  // namespace qudnn::plan
