// Plans that pad a convolution's input first, into the workspace: for padding that is not 0, or that cuDNN
// does not take.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plan/common/engine.h"

namespace qudnn::engines {

// The size of the padded input, and the function that enqueues the kernel that writes it.
struct Padding {
    size_t bytes;
    std::function<cudaError_t(int8_t value, const int8_t* x, int8_t* padded, cudaStream_t stream)> write;
};

// From a plan (or candidates) of the conv without padding, over the padded input, to that of the conv itself.
std::shared_ptr<const plan::Plan> on_padded_input(std::shared_ptr<const plan::Plan> conv,
                                                  const Padding& padding);
std::vector<plan::Candidate> on_padded_input(std::vector<plan::Candidate> candidates, const Padding& padding);

// The name of the inner plan, for the name of a plan from on_padded_input; empty for other names.
std::string name_on_padded_input(const std::string& plan_name);

}  // namespace qudnn::engines
