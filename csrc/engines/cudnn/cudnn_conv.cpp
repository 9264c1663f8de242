#include "engines/cudnn/cudnn_conv.h"

#include <algorithm>
#include <iterator>

#include "engines/composed/padded_plan.h"
#include "engines/cudnn/cudnn_graph.h"
#include "kernels/conv/pad.h"
#include "plan/split.h"

namespace qudnn::engines {

namespace {

using plan::ConvProblem;

// cuDNN's engines for grouped int8 convs want whole vectors of channels in each group.
constexpr int64_t kGroupGranule = 16;

constexpr const char* kName = "cudnn_conv";

GraphPointer conv_graph(const ConvProblem& c) {
    auto graph = make_graph();
    const int64_t group_c = c.c / c.group;
    auto x = input(*graph, kX, fe::DataType_t::INT8, {c.n, c.c, c.h, c.w},
                   {c.x_stride[0], c.x_stride[3], c.x_stride[1], c.x_stride[2]});
    auto w = input(*graph, kW, fe::DataType_t::INT8, {c.k, group_c, c.r, c.s},
                   {c.r * c.s * group_c, 1, c.s * group_c, group_c});
    auto accumulator = graph->conv_fprop(x, w,
                                         fe::graph::Conv_fprop_attributes()
                                             .set_pre_padding({c.pad_top, c.pad_left})
                                             .set_post_padding({c.pad_bottom, c.pad_right})
                                             .set_stride({c.stride_h, c.stride_w})
                                             .set_dilation({c.dilation_h, c.dilation_w})
                                             .set_compute_data_type(fe::DataType_t::INT32));
    const Dims dims = {c.n, c.k, c.p, c.q};
    accumulator->set_dim(dims).set_stride({c.p * c.q * c.k, 1, c.q * c.k, c.k});
    add_epilogue(*graph, accumulator, 1, dims, {c.p * c.q * c.k, 1, c.q * c.k, c.k}, graph_epilogue(c));
    return graph;
}

// The same conv over an input that holds its padding.
ConvProblem padded_inside(ConvProblem c) {
    c.h += c.pad_top + c.pad_bottom;
    c.w += c.pad_left + c.pad_right;
    c.pad_top = c.pad_left = c.pad_bottom = c.pad_right = 0;
    c.x_stride = {c.h * c.w * c.c, c.w * c.c, c.c, 1};
    c.pads_with_value = false;
    return c;
}

Padding padding(const ConvProblem& c) {
    const ConvProblem p = padded_inside(c);
    return {static_cast<size_t>(p.n * p.h * p.w * p.c),
            [c](int8_t value, const int8_t* x, int8_t* padded, cudaStream_t stream) {
                return kernels::pad(c.n, c.h, c.w, c.c, c.pad_top, c.pad_left, c.pad_bottom, c.pad_right,
                                    value, x, padded, stream);
            }};
}

std::vector<plan::Candidate> direct_candidates(const ConvProblem& conv, cudnnContext* cudnn) {
    // NOTE: where all of N, H and W are 1, strides do not tell channels-last from channels-first, and
    // cuDNN was seen to take the wrong one.
    if (conv.n * conv.h * conv.w == 1 || conv.n * conv.p * conv.q == 1) {
        throw plan::Unsupported("a tensor of one pixel");
    }
    if (plan::too_large(conv)) throw plan::Unsupported("a tensor of more than 2^31 bytes");
    return graph_candidates([conv] { return conv_graph(conv); }, cudnn, kName, graph_epilogue(conv));
}

std::vector<plan::Candidate> padded_candidates(const ConvProblem& conv, cudnnContext* cudnn) {
    if (!conv.dense()) throw plan::Unsupported("padding of a strided input");
    return on_padded_input(direct_candidates(padded_inside(conv), cudnn), padding(conv));
}

// Both ways, where there is either.
std::vector<plan::Candidate> direct_then_padded(const ConvProblem& conv, cudnnContext* cudnn) {
    std::vector<plan::Candidate> all;
    std::string reasons;
    for (auto* way : {&direct_candidates, &padded_candidates}) {
        try {
            auto candidates = way(conv, cudnn);
            std::move(candidates.begin(), candidates.end(), std::back_inserter(all));
        } catch (const plan::Unsupported& e) {
            reasons += (reasons.empty() ? "" : "; ") + std::string(e.what());
        }
    }
    if (all.empty()) throw plan::Unsupported(reasons);
    return all;
}

}  // namespace

const char* CudnnConv::name() const { return kName; }

std::vector<plan::Candidate> CudnnConv::candidates(const plan::Problem& problem, cudnnContext* cudnn) const {
    const ConvProblem& conv = std::get<ConvProblem>(problem);
    require_cudnn(cudnn, conv.alignment);
    if (conv.group > 1 && conv.c / conv.group % kGroupGranule != 0) {
        throw plan::Unsupported("groups of " + std::to_string(conv.c / conv.group) + " channels");
    }
    // cuDNN's own padding is 0 only, and few of its engines take different padding on opposite sides.
    if (conv.pads_with_value) return padded_candidates(conv, cudnn);
    if (conv.pad_top == conv.pad_bottom && conv.pad_left == conv.pad_right) {
        return direct_candidates(conv, cudnn);
    }
    return direct_then_padded(conv, cudnn);
}

std::shared_ptr<const plan::Plan> CudnnConv::restore(const plan::Problem& problem,
                                                     const std::string& plan_name,
                                                     const std::string& serialized,
                                                     cudnnContext* cudnn) const {
    const ConvProblem& conv = std::get<ConvProblem>(problem);
    require_cudnn(cudnn, conv.alignment);
    const std::string padded_name = name_on_padded_input(plan_name);
    if (padded_name.empty()) return graph_plan(plan_name, serialized, cudnn, graph_epilogue(conv));
    return on_padded_input(graph_plan(padded_name, serialized, cudnn, graph_epilogue(conv)), padding(conv));
}

}  // namespace qudnn::engines
