// Plans of convolutions whose input is padded first, into the workspace: where padding stands for something
// else than 0, or the library does not take it.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plan/engine.h"

namespace qudnn::engines {

// How the padded input is made: its size, and what enqueues writing it.
struct Padding {
    size_t bytes;
    std::function<cudaError_t(int8_t value, const int8_t* x, int8_t* padded, cudaStream_t stream)> write;
};

// Of a conv without padding over the padded input, the conv over the input; and so for candidates.
std::shared_ptr<const plan::Plan> on_padded_input(std::shared_ptr<const plan::Plan> conv,
                                                  const Padding& padding);
std::vector<plan::Candidate> on_padded_input(std::vector<plan::Candidate> candidates, const Padding& padding);

// The name of the plan over the padded input, for the name of a plan that on_padded_input gave; else nothing.
std::string name_on_padded_input(const std::string& plan_name);

}  // namespace qudnn::engines
