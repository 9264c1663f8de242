// What cuDNN graphs of convolutions and matmuls share: their tensors and the epilogue.
// Included by the cuDNN engines alone.
#pragma once

#include <cudnn_frontend.h>

#include <memory>
#include <vector>

#include "plan/common/engine.h"

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

}  // namespace qudnn::engines
