#include "engines/cudnn/cudnn_graph.h"

namespace qudnn::engines {

namespace {

TensorPointer scalar(CudnnGraph& graph, Uid uid, size_t rank) {
    const Dims ones(rank, 1);
    return graph.tensor(fe::graph::Tensor_attributes()
                            .set_uid(uid)
                            .set_dim(ones)
                            .set_stride(ones)
                            .set_data_type(fe::DataType_t::FLOAT)
                            .set_is_pass_by_value(true));
}

TensorPointer pointwise(CudnnGraph& graph, fe::PointwiseMode_t mode, fe::DataType_t type,
                        const TensorPointer& a, const TensorPointer& b) {
    auto y =
        graph.pointwise(a, b, fe::graph::Pointwise_attributes().set_mode(mode).set_compute_data_type(type));
    y->set_data_type(type);
    return y;
}

}  // namespace

GraphPointer make_graph() {
    auto graph = std::make_shared<CudnnGraph>();
    graph->set_io_data_type(fe::DataType_t::INT8)
        .set_intermediate_data_type(fe::DataType_t::INT32)
        .set_compute_data_type(fe::DataType_t::INT32);
    return graph;
}

TensorPointer input(CudnnGraph& graph, Uid uid, fe::DataType_t type, const Dims& dims, const Dims& strides) {
    return graph.tensor(
        fe::graph::Tensor_attributes().set_uid(uid).set_data_type(type).set_dim(dims).set_stride(strides));
}

void add_epilogue(CudnnGraph& graph, const TensorPointer& accumulator, size_t channel, const Dims& dims,
                  const Dims& strides, const GraphEpilogue& epilogue) {
    using Mode = fe::PointwiseMode_t;
    constexpr auto kInt = fe::DataType_t::INT32;
    constexpr auto kFloat = fe::DataType_t::FLOAT;
    const size_t rank = dims.size();

    Dims channels(rank, 1);
    channels[channel] = dims[channel];
    // Dense, laid out as y is: every dimension of extent 1 has the stride of all channels.
    Dims channel_strides(rank, dims[channel]);
    channel_strides[channel] = 1;
    const auto per_channel = [&](Uid uid, fe::DataType_t type) {
        return input(graph, uid, type, channels, channel_strides);
    };
    const auto apply = [&](Mode mode, const TensorPointer& a, const TensorPointer& b) {
        return pointwise(graph, mode, kFloat, a, b);
    };
    const auto give = [&](const TensorPointer& y, fe::DataType_t type) {
        y->set_output(true).set_uid(kY).set_data_type(type).set_dim(dims).set_stride(strides);
    };

    accumulator->set_data_type(kInt);
    auto biased = pointwise(graph, Mode::ADD, kInt, accumulator, per_channel(kBias, kInt));
    if (epilogue.y_type == plan::DataType::int32) return give(biased, kInt);
    auto scaled = apply(Mode::MUL, biased, per_channel(kMultiplier, kFloat));
    // NOTE: an operation has to stand between this mul and the next add; otherwise the compiler contracts the
    // two into an FMA, which rounds once where the specification rounds twice.
    if (epilogue.y_type == plan::DataType::float32) {
        // Adding -0.0 changes no float; contracted with mul it is still the rounded product.
        auto product = apply(Mode::ADD, scaled, scalar(graph, kNothing, rank));
        return give(apply(Mode::ADD, product, per_channel(kAddend, kFloat)), kFloat);
    }
    auto bounded = apply(Mode::MAX, scaled, scalar(graph, kLow, rank));
    if (epilogue.clamps_above) bounded = apply(Mode::MIN, bounded, scalar(graph, kHigh, rank));
    // Numbers too large to be rounded exactly by the shift are far beyond 127 and saturate.
    auto rounded = apply(Mode::ADD, bounded, scalar(graph, kRound, rank));
    auto result = apply(Mode::SUB, rounded, scalar(graph, kUnround, rank));
    if (epilogue.zero_point_per_channel) result = apply(Mode::ADD, result, per_channel(kAddend, kFloat));
    give(result, fe::DataType_t::INT8);
}

}  // namespace qudnn::engines
