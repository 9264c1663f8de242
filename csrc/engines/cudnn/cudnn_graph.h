// What cuDNN graphs of convolutions and matmuls share: the epilogue, the plans, the run.
// Included by the cuDNN engines alone.
#pragma once

#include <cudnn_frontend.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plan/engine.h"

namespace qudnn::engines {

namespace fe = cudnn_frontend;

// Tensors of a graph, by the number under which a run passes their pointers. kAddend: also the zero points of
// int8 results, where each channel has one.
enum Uid : int64_t { kX = 1, kW, kY, kBias, kMultiplier, kLow, kHigh, kRound, kUnround, kNothing, kAddend };

// The properties of a problem that decide which of these tensors its graph has.
struct GraphEpilogue {
    plan::DataType y_type;
    bool clamps_above;  // int8 only
    bool zero_point_per_channel = false;
};

template <class P>
GraphEpilogue graph_epilogue(const P& problem) {
    GraphEpilogue epilogue{problem.y_type, problem.clamps_above};
    if constexpr (requires { problem.zero_point_per_channel; })
        epilogue.zero_point_per_channel = problem.zero_point_per_channel;
    return epilogue;
}

// cudnn-frontend's graph with access to its engine configurations, so that candidates can be built
// separately.
class CudnnGraph : public fe::graph::Graph {
  public:
    using ICudnn::plans;
};

using GraphPointer = std::shared_ptr<CudnnGraph>;
using TensorPointer = std::shared_ptr<fe::graph::Tensor_attributes>;
using Dims = std::vector<int64_t>;

GraphPointer make_graph();

TensorPointer input(CudnnGraph& graph, Uid uid, fe::DataType_t type, const Dims& dims, const Dims& strides);

// Appends the epilogue of kernels::Epilogue to the accumulator (int32, the result of conv or matmul); y has
// the given dims and strides. `channel` is the index of the dimension that bias and the other vectors run
// along.
void add_epilogue(CudnnGraph& graph, const TensorPointer& accumulator, size_t channel, const Dims& dims,
                  const Dims& strides, const GraphEpilogue& epilogue);

// A candidate for each plan that cuDNN's heuristics name for the graph, best first, each once; then, as
// unlikely ones, the other kernels of the first one's engine. Each thread that builds candidates builds the
// graph itself. Throws Unsupported with cuDNN's reason.
std::vector<plan::Candidate> graph_candidates(const std::function<GraphPointer()>& make_graph,
                                              cudnnHandle_t handle, const std::string& engine,
                                              const GraphEpilogue& epilogue);

// Restores a plan of graph_candidates from the result of its serialize().
std::shared_ptr<const plan::Plan> graph_plan(const std::string& name, const std::string& serialized,
                                             cudnnHandle_t handle, const GraphEpilogue& epilogue);

// Throws Unsupported if the problem's pointers are not aligned enough, or if this process has no usable
// cuDNN.
void require_cudnn(cudnnContext* cudnn, int64_t alignment);

}  // namespace qudnn::engines
