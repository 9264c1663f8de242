#include "engines/cudnn/cudnn_conv3d.h"

#include "engines/composed/padded_plan.h"
#include "engines/cudnn/cudnn_graph.h"
#include "kernels/conv/pad.h"
#include "plan/split.h"

namespace qudnn::engines {

namespace {

using plan::Conv3dProblem;

// cuDNN's engines for grouped int8 convs want whole vectors of channels in each group.
constexpr int64_t kGroupGranule = 16;

constexpr const char* kName = "cudnn_conv3d";

Dims channels_last(const Dims& dims) {
    const int64_t c = dims[1], d = dims[2], h = dims[3], w = dims[4];
    return {d * h * w * c, 1, h * w * c, w * c, c};
}

GraphPointer conv3d_graph(const Conv3dProblem& c) {
    auto graph = make_graph();
    const Dims x_dims = {c.n, c.c, c.d, c.h, c.w};
    const Dims w_dims = {c.k, c.c / c.group, c.t, c.r, c.s};
    const Dims y_dims = {c.n, c.k, c.z, c.p, c.q};
    auto x = input(*graph, kX, fe::DataType_t::INT8, x_dims, channels_last(x_dims));
    auto w = input(*graph, kW, fe::DataType_t::INT8, w_dims, channels_last(w_dims));
    auto accumulator = graph->conv_fprop(x, w,
                                         fe::graph::Conv_fprop_attributes()
                                             .set_pre_padding({c.pad_front, c.pad_top, c.pad_left})
                                             .set_post_padding({c.pad_back, c.pad_bottom, c.pad_right})
                                             .set_stride({c.stride_d, c.stride_h, c.stride_w})
                                             .set_dilation({c.dilation_d, c.dilation_h, c.dilation_w})
                                             .set_compute_data_type(fe::DataType_t::INT32));
    accumulator->set_dim(y_dims).set_stride(channels_last(y_dims));
    add_epilogue(*graph, accumulator, 1, y_dims, channels_last(y_dims), graph_epilogue(c));
    return graph;
}

// The same conv over an input that holds its padding.
Conv3dProblem padded_inside(Conv3dProblem c) {
    c.d += c.pad_front + c.pad_back;
    c.h += c.pad_top + c.pad_bottom;
    c.w += c.pad_left + c.pad_right;
    c.pad_front = c.pad_top = c.pad_left = c.pad_back = c.pad_bottom = c.pad_right = 0;
    c.pads_with_value = false;
    return c;
}

Padding padding(const Conv3dProblem& c) {
    const Conv3dProblem p = padded_inside(c);
    return {static_cast<size_t>(p.n * p.d * p.h * p.w * p.c),
            [c](int8_t value, const int8_t* x, int8_t* padded, cudaStream_t stream) {
                return kernels::pad3d(c.n, {c.d, c.h, c.w}, c.c, {c.pad_front, c.pad_top, c.pad_left},
                                      {c.pad_back, c.pad_bottom, c.pad_right}, value, x, padded, stream);
            }};
}

// cuDNN's own padding is 0 only, and few of its engines take different padding on opposite sides.
bool pads_first(const Conv3dProblem& c) {
    return c.pads_with_value || c.pad_front != c.pad_back || c.pad_top != c.pad_bottom ||
           c.pad_left != c.pad_right;
}

std::vector<plan::Candidate> direct_candidates(const Conv3dProblem& conv, cudnnContext* cudnn) {
    // NOTE: of a tensor of one voxel strides do not tell channels-last from channels-first.
    if (conv.n * conv.d * conv.h * conv.w == 1 || conv.n * conv.z * conv.p * conv.q == 1) {
        throw plan::Unsupported("a tensor of one voxel");
    }
    if (plan::too_large(conv)) throw plan::Unsupported("a tensor of more than 2^31 bytes");
    return graph_candidates([conv] { return conv3d_graph(conv); }, cudnn, kName, graph_epilogue(conv));
}

}  // namespace

const char* CudnnConv3d::name() const { return kName; }

std::vector<plan::Candidate> CudnnConv3d::candidates(const plan::Problem& problem,
                                                     cudnnContext* cudnn) const {
    const Conv3dProblem& conv = std::get<Conv3dProblem>(problem);
    require_cudnn(cudnn, conv.alignment);
    if (conv.group > 1 && conv.c / conv.group % kGroupGranule != 0) {
        throw plan::Unsupported("groups of " + std::to_string(conv.c / conv.group) + " channels");
    }
    if (!pads_first(conv)) return direct_candidates(conv, cudnn);
    return on_padded_input(direct_candidates(padded_inside(conv), cudnn), padding(conv));
}

std::shared_ptr<const plan::Plan> CudnnConv3d::restore(const plan::Problem& problem,
                                                       const std::string& plan_name,
                                                       const std::string& serialized,
                                                       cudnnContext* cudnn) const {
    const Conv3dProblem& conv = std::get<Conv3dProblem>(problem);
    require_cudnn(cudnn, conv.alignment);
    const std::string padded_name = name_on_padded_input(plan_name);
    if (padded_name.empty()) return graph_plan(plan_name, serialized, cudnn, graph_epilogue(conv));
    return on_padded_input(graph_plan(padded_name, serialized, cudnn, graph_epilogue(conv)), padding(conv));
}

}  // namespace qudnn::engines
