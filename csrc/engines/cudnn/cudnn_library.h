// cuDNN as a library that is there or not: found at run time, never linked.
#pragma once

#include <string>

namespace qudnn::engines {

// Loads cuDNN 9 once per process, the copy that is already loaded where there is one.
// Returns nothing where it is usable, else the reason why it is not.
const std::string& cudnn_problem();

// "9.19.0" of the cuDNN in use; empty where there is none.
std::string cudnn_version();

}  // namespace qudnn::engines
