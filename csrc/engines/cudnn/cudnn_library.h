// cuDNN as a library that is there or not: found at run time, never linked.
#pragma once

#include <string>

struct cudnnContext;

namespace qudnn::engines {

// Loads cuDNN 9 once per process, the copy that is already loaded where there is one.
// Returns nothing where it is usable, else the reason why it is not.
const std::string& cudnn_problem();

// "9.19.0" of the cuDNN in use; empty where there is none.
std::string cudnn_version();

// This thread's own handle for the current GPU, for its life; throws where there is none. With one handle for
// all, threads wait for each other; a handle remembers the kernels that it has compiled.
cudnnContext* handle_of_this_thread();

}  // namespace qudnn::engines
