// From a cuDNN graph to the plans that cuDNN has for it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engines/cudnn/cudnn_graph.h"
#include "plan/common/engine.h"

namespace qudnn::engines {

// A candidate for each plan that cuDNN's heuristics name for the graph, best first, each once; then, as
// unlikely ones, the other kernels of the first one's engine. Each thread that builds candidates builds the
// graph itself. Throws Unsupported with cuDNN's reason.
std::vector<plan::Candidate> graph_candidates(const std::function<GraphPointer()>& make_graph,
                                              cudnnHandle_t handle, const std::string& engine,
                                              const GraphEpilogue& epilogue);

}  // namespace qudnn::engines
