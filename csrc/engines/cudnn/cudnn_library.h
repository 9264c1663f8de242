// cuDNN as an optional library: loaded at run time, never linked.
#pragma once

#include <string>

struct cudnnContext;

namespace qudnn::engines {

// Loads cuDNN 9 once per process; takes the copy that is already loaded, if any. Returns why it is not
// usable, empty if it is.
const std::string& cudnn_problem();

// The version of the cuDNN in use, such as "9.19.0"; empty if there is none.
std::string cudnn_version();

// This thread's handle for the current GPU, which lives as long as the thread; throws if there is none.
// Threads that share a handle wait for each other; a handle remembers the kernels that it has compiled.
cudnnContext* handle_of_this_thread();

}  // namespace qudnn::engines
