#include "engines/cudnn_graph.h"

#include <cuda_runtime_api.h>

#include <array>
#include <optional>
#include <unordered_map>

#include "engines/cudnn_library.h"

namespace qudnn::engines {

namespace {

// Adding it to a float32 of magnitude below 2^22 rounds that to an integer, half to even.
constexpr float kRoundingShift = 12582912.0f;  // 1.5 * 2^23

// The first line of cuDNN's message.
std::string brief(const std::string& message) { return message.substr(0, message.find('\n')).substr(0, 300); }

void check(fe::error_t error) {
    if (error.is_bad()) throw plan::Unsupported(brief(error.get_message()));
}

void check(cudnnStatus_t status, const char* call) {
    if (status == CUDNN_STATUS_SUCCESS) return;
    throw std::runtime_error(std::string(call) + ": " + fe::detail::get_error_string(status) + ", " +
                             brief(fe::detail::get_last_error_string_()));
}

class CudnnPlan final : public plan::Plan {
  public:
    CudnnPlan(const std::string& name, std::shared_ptr<fe::ExecutionPlan> plan, bool clamps_above)
        : Plan(name, static_cast<size_t>(plan->getWorkspaceSize())),
          plan_(std::move(plan)),
          clamps_above_(clamps_above) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void* workspace) const override {
        const auto zero_point = static_cast<float>(a.epilogue.zero_point);
        std::array<float, 4> scalars = {static_cast<float>(a.epilogue.low) - zero_point,
                                        static_cast<float>(a.epilogue.high) - zero_point, kRoundingShift,
                                        kRoundingShift - zero_point};
        // kHigh stands last: a graph without an upper bound has no such tensor.
        const std::array<int64_t, 9> uids = {kX, kW, kY, kBias, kMultiplier, kLow, kRound, kUnround, kHigh};
        const std::array<const void*, 9> pointers = {
            a.x,         a.w,         a.y,         a.epilogue.bias, a.epilogue.multiplier,
            &scalars[0], &scalars[2], &scalars[3], &scalars[1]};
        const int64_t count = clamps_above_ ? 9 : 8;

        fe::detail::backend_descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
        check(pack.get_status(), "create variant pack");
        using fe::detail::set_attribute;
        check(set_attribute(pack.get_ptr(), CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count,
                            uids.data()),
              "set tensor ids");
        check(set_attribute(pack.get_ptr(), CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count,
                            pointers.data()),
              "set pointers");
        check(set_attribute(pack.get_ptr(), CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1,
                            &workspace),
              "set workspace");
        check(fe::detail::finalize(pack.get_ptr()), "finalize variant pack");
        check(fe::detail::execute(launch.cudnn, plan_->get_raw_desc(), pack.get_ptr()), "execute");
    }

    std::string serialize() const override { return plan_->getJsonRepresentation(); }

  private:
    std::shared_ptr<fe::ExecutionPlan> plan_;
    bool clamps_above_;
};

// How to make the graph of a problem. Its address tells graphs apart.
using Recipe = std::function<GraphPointer()>;

struct EngineConfig {
    std::string tag;
    size_t workspace_size;
    fe::ManagedOpaqueDescriptor descriptor;
};

// A graph on one handle, and the engine configurations that cuDNN's heuristics name for it.
struct Configured {
    GraphPointer graph;  // configurations refer to it
    std::vector<EngineConfig> configurations;

    Configured(const Recipe& recipe, cudnnHandle_t handle) : graph(recipe()) {
        check(graph->validate());
        check(graph->build_operation_graph(handle));
        check(
            graph->create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::B, fe::HeurMode_t::FALLBACK}));
        for (auto& descriptor : graph->plans.get_barred_engine_configs()) {
            const std::string tag = fe::detail::get_engine_tag(descriptor);
            // Heuristics name the same engines, and one without its choices is the first choice.
            if (find(tag) != nullptr || find(tag + kFirstChoice) != nullptr) continue;
            int64_t workspace = 0;
            check(fe::detail::get_workspace_size(descriptor, workspace));
            configurations.push_back({tag, static_cast<size_t>(workspace), descriptor});
        }
    }

    const EngineConfig* find(const std::string& tag) const {
        for (const EngineConfig& c : configurations) {
            if (c.tag == tag) return &c;
        }
        return nullptr;
    }

    std::shared_ptr<fe::ExecutionPlan> build(const std::string& tag) const {
        const EngineConfig* configuration = find(tag);
        if (configuration == nullptr) throw plan::Unsupported("cuDNN does not name it any more");
        std::shared_ptr<fe::ExecutionPlan> built;
        check(fe::detail::create_cudnn_execution_plan(built, configuration->descriptor, tag, nullptr));
        return built;
    }

  private:
    static constexpr const char* kFirstChoice = "_k24=0";
};

// This thread's own handle for the current GPU, for its life. With one handle for all, threads wait for each
// other; a handle remembers the kernels that it has compiled.
cudnnHandle_t handle_of_this_thread() {
    thread_local std::unordered_map<int, cudnnHandle_t> handles;
    int device = 0;
    if (cudaGetDevice(&device) != cudaSuccess) throw std::runtime_error("no current GPU");
    cudnnHandle_t& handle = handles[device];
    if (handle == nullptr) check(fe::detail::create_handle(&handle), "create a handle");
    return handle;
}

// Candidates of one graph come to a thread one after the other: the last graph is kept.
const Configured& configured_in_this_thread(const std::shared_ptr<const Recipe>& recipe) {
    thread_local std::shared_ptr<const Recipe> last;
    thread_local std::optional<Configured> configured;
    if (last != recipe) {
        last = nullptr;
        configured.emplace(*recipe, handle_of_this_thread());
        last = recipe;
    }
    return *configured;
}

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
                  const Dims& strides, bool clamps_above) {
    using Mode = fe::PointwiseMode_t;
    constexpr auto kInt = fe::DataType_t::INT32;
    constexpr auto kFloat = fe::DataType_t::FLOAT;
    const size_t rank = dims.size();

    Dims channels(rank, 1);
    channels[channel] = dims[channel];
    // Dense, laid out as y is: every dimension of extent 1 has the stride of all channels.
    Dims channel_strides(rank, dims[channel]);
    channel_strides[channel] = 1;

    accumulator->set_data_type(kInt);
    auto biased =
        pointwise(graph, Mode::ADD, kInt, accumulator, input(graph, kBias, kInt, channels, channel_strides));
    auto scaled = pointwise(graph, Mode::MUL, kFloat, biased,
                            input(graph, kMultiplier, kFloat, channels, channel_strides));
    // NOTE: max has to stand between mul and add. Without it the compiler contracts the two into a fused
    // multiply-add, which rounds once where the specification rounds twice.
    auto bounded = pointwise(graph, Mode::MAX, kFloat, scaled, scalar(graph, kLow, rank));
    if (clamps_above) bounded = pointwise(graph, Mode::MIN, kFloat, bounded, scalar(graph, kHigh, rank));
    // What is too large for the shift to round exactly is far beyond 127 and saturates.
    auto rounded = pointwise(graph, Mode::ADD, kFloat, bounded, scalar(graph, kRound, rank));
    auto y = pointwise(graph, Mode::SUB, kFloat, rounded, scalar(graph, kUnround, rank));
    y->set_output(true).set_uid(kY).set_data_type(fe::DataType_t::INT8).set_dim(dims).set_stride(strides);
}

std::vector<plan::Candidate> graph_candidates(const std::function<GraphPointer()>& make_graph,
                                              cudnnHandle_t handle, const std::string& engine,
                                              bool clamps_above) {
    const auto recipe = std::make_shared<const Recipe>(make_graph);
    std::vector<plan::Candidate> candidates;
    for (const EngineConfig& configuration : Configured(*recipe, handle).configurations) {
        const std::string tag = configuration.tag, name = engine + " " + tag;
        candidates.push_back({name, configuration.workspace_size,
                              [recipe, tag, name, clamps_above]() -> std::shared_ptr<const plan::Plan> {
                                  auto built = configured_in_this_thread(recipe).build(tag);
                                  return std::make_shared<CudnnPlan>(name, std::move(built), clamps_above);
                              },
                              name});
    }
    if (candidates.empty()) throw plan::Unsupported("cuDNN names no engine");
    return candidates;
}

std::shared_ptr<const plan::Plan> graph_plan(const std::string& name, const std::string& serialized,
                                             cudnnHandle_t handle, bool clamps_above) {
    std::shared_ptr<fe::ExecutionPlan> built;
    check(fe::detail::create_cudnn_execution_plan(built, serialized, handle));
    return std::make_shared<CudnnPlan>(name, std::move(built), clamps_above);
}

void require_cudnn(cudnnContext* cudnn, int64_t alignment) {
    if (!cudnn_problem().empty()) throw plan::Unsupported(cudnn_problem());
    if (cudnn == nullptr) throw plan::Unsupported("the session has no cuDNN handle");
    if (alignment < plan::kFullAlignment) {
        throw plan::Unsupported("a pointer is aligned to " + std::to_string(alignment) + " bytes only");
    }
}

}  // namespace qudnn::engines
