#include "engines/cudnn/cudnn_conv.h"

#include <algorithm>
#include <iterator>

#include "engines/composed/padded_plan.h"
#include "engines/cudnn/cudnn_candidates.h"
#include "engines/cudnn/cudnn_plan.h"
#include "kernels/conv/pad.h"
#include "plan/problem/split.h"

namespace qudnn::engines {

namespace {

using plan::ConvProblem;

// cuDNN's engines for grouped int8 convs need whole vectors of channels in each group.
constexpr int64_t kGroupGranule = 16;

constexpr const char* kName = "cudnn_conv";

// A list of cuDNN's, of images or of volumes: the depth's value, if there is one, then those of height and
// width.
Dims spatial(const ConvProblem& conv, int64_t depth, int64_t height, int64_t width) {
    return conv.deep() ? Dims{depth, height, width} : Dims{height, width};
}

// The extents of a tensor, in cuDNN's order.
Dims with_channels(int64_t n, int64_t channels, const Dims& spatial) {
    Dims dims = {n, channels};
    dims.insert(dims.end(), spatial.begin(), spatial.end());
    return dims;
}

// The strides of a dense tensor whose channels are innermost.
Dims channels_last(const Dims& dims) {
    Dims strides(dims.size());
    int64_t stride = strides[1] = 1;
    stride *= dims[1];
    for (size_t i = dims.size() - 1; i >= 2; --i) {
        strides[i] = stride;
        stride *= dims[i];
    }
    strides[0] = stride;
    return strides;
}

GraphPointer conv_graph(const ConvProblem& c) {
    auto graph = make_graph();
    const Dims x_dims = with_channels(c.n, c.c, spatial(c, c.d, c.h, c.w));
    const Dims w_dims = with_channels(c.k, c.c / c.group, spatial(c, c.t, c.r, c.s));
    const Dims y_dims = with_channels(c.n, c.k, spatial(c, c.z, c.p, c.q));
    const Dims x_strides =
        c.deep() ? channels_last(x_dims) : Dims{c.x_stride[0], c.x_stride[3], c.x_stride[1], c.x_stride[2]};
    auto x = input(*graph, kX, fe::DataType_t::INT8, x_dims, x_strides);
    auto w = input(*graph, kW, fe::DataType_t::INT8, w_dims, channels_last(w_dims));
    auto accumulator =
        graph->conv_fprop(x, w,
                          fe::graph::Conv_fprop_attributes()
                              .set_pre_padding(spatial(c, c.pad_front, c.pad_top, c.pad_left))
                              .set_post_padding(spatial(c, c.pad_back, c.pad_bottom, c.pad_right))
                              .set_stride(spatial(c, c.stride_d, c.stride_h, c.stride_w))
                              .set_dilation(spatial(c, c.dilation_d, c.dilation_h, c.dilation_w))
                              .set_compute_data_type(fe::DataType_t::INT32));
    accumulator->set_dim(y_dims).set_stride(channels_last(y_dims));
    add_epilogue(*graph, accumulator, 1, y_dims, channels_last(y_dims), graph_epilogue(c));
    return graph;
}

// The same conv over an input that holds its padding.
ConvProblem padded_inside(ConvProblem c) {
    c.d += c.pad_front + c.pad_back;
    c.h += c.pad_top + c.pad_bottom;
    c.w += c.pad_left + c.pad_right;
    c.pad_front = c.pad_top = c.pad_left = c.pad_back = c.pad_bottom = c.pad_right = 0;
    if (!c.deep()) c.x_stride = {c.h * c.w * c.c, c.w * c.c, c.c, 1};
    c.pads_with_value = false;
    return c;
}

Padding padding(const ConvProblem& c) {
    const ConvProblem p = padded_inside(c);
    return {static_cast<size_t>(p.n * p.d * p.h * p.w * p.c),
            [c](int8_t value, const int8_t* x, int8_t* padded, cudaStream_t stream) {
                return kernels::pad(c.n, {c.d, c.h, c.w}, c.c, {c.pad_front, c.pad_top, c.pad_left},
                                    {c.pad_back, c.pad_bottom, c.pad_right}, value, x, padded, stream);
            }};
}

std::vector<plan::Candidate> direct_candidates(const ConvProblem& conv, cudnnContext* cudnn) {
    // NOTE: if all extents but C are 1, strides do not distinguish channels-last from channels-first; cuDNN
    // has been seen to choose the wrong one.
    if (conv.n * conv.d * conv.h * conv.w == 1 || conv.n * conv.z * conv.p * conv.q == 1) {
        throw plan::Unsupported("a tensor of one pixel");
    }
    if (plan::too_large(conv)) throw plan::Unsupported("a tensor of more than 2^31 bytes");
    return graph_candidates([conv] { return conv_graph(conv); }, cudnn, kName, graph_epilogue(conv));
}

std::vector<plan::Candidate> padded_candidates(const ConvProblem& conv, cudnnContext* cudnn) {
    if (!conv.dense()) throw plan::Unsupported("padding of a strided input");
    return on_padded_input(direct_candidates(padded_inside(conv), cudnn), padding(conv));
}

// The candidates of both ways, as far as there are any.
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

std::string CudnnConv::refusal(const plan::Problem& problem) const {
    const auto* conv = std::get_if<ConvProblem>(&problem);
    if (conv == nullptr) return "no convolution";
    if (conv->y_padding.any()) return "results within padding";
    if (conv->adds) return "a residual";
    if (conv->looks_up) return "a table";
    return {};
}

std::vector<plan::Candidate> CudnnConv::candidates(const plan::Problem& problem, cudnnContext* cudnn) const {
    const ConvProblem& conv = std::get<ConvProblem>(problem);
    require_cudnn(cudnn, conv.alignment);
    if (conv.group > 1 && conv.c / conv.group % kGroupGranule != 0) {
        throw plan::Unsupported("groups of " + std::to_string(conv.c / conv.group) + " channels");
    }
    // cuDNN's own padding is 0 only, and few of its engines take different padding on opposite sides.
    if (conv.pads_with_value) return padded_candidates(conv, cudnn);
    if (conv.pad_front == conv.pad_back && conv.pad_top == conv.pad_bottom &&
        conv.pad_left == conv.pad_right) {
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
