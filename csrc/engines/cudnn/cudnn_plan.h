// Plans of cuDNN: from what it has built of a graph to a run.
#pragma once

#include <memory>
#include <string>

#include "engines/cudnn/cudnn_graph.h"
#include "plan/common/engine.h"

namespace qudnn::engines {

// The plan that runs what cuDNN has built of a graph with this epilogue.
std::shared_ptr<const plan::Plan> make_plan(const std::string& name, std::shared_ptr<fe::ExecutionPlan> built,
                                            const GraphEpilogue& epilogue);

// Restores a plan of graph_candidates from the result of its serialize().
std::shared_ptr<const plan::Plan> graph_plan(const std::string& name, const std::string& serialized,
                                             cudnnHandle_t handle, const GraphEpilogue& epilogue);

// Throws Unsupported with the first line of cudnn-frontend's message.
void check(fe::error_t error);

// Throws Unsupported if the problem's pointers are not aligned enough, or if this process has no usable
// cuDNN.
void require_cudnn(cudnnContext* cudnn, int64_t alignment);

}  // namespace qudnn::engines
