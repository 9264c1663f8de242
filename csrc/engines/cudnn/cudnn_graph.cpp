#include "engines/cudnn/cudnn_graph.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "engines/cudnn/cudnn_library.h"
#include "kernels/common/rounding.h"

namespace qudnn::engines {

namespace {

using kernels::kRoundingShift;

// With any zero point it is -128 or less.
constexpr float kLowest = -255.0f;

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

// The tensors of one run. Scalars are passed by value: cuDNN reads them when the run is enqueued.
class VariantPack {
  public:
    VariantPack(const GraphEpilogue& epilogue, const plan::Arguments& a) {
        const kernels::Epilogue& e = a.epilogue;
        add(kX, a.x), add(kW, a.w), add(kY, a.y), add(kBias, e.bias);
        if (epilogue.y_type == plan::DataType::int32) return;
        add(kMultiplier, e.multiplier);
        if (epilogue.y_type == plan::DataType::float32) {
            add(kAddend, e.addend);
            add_scalar(kNothing, -0.0f);
            return;
        }
        if (epilogue.zero_point_per_channel) {
            add(kAddend, e.zero_points);
            add_scalar(kLow, kLowest);
            add_scalar(kRound, kRoundingShift);
            add_scalar(kUnround, kRoundingShift);
            return;
        }
        const auto zero_point = static_cast<float>(e.zero_point);
        add_scalar(kLow, static_cast<float>(e.low) - zero_point);
        if (epilogue.clamps_above) add_scalar(kHigh, static_cast<float>(e.high) - zero_point);
        add_scalar(kRound, kRoundingShift);
        add_scalar(kUnround, kRoundingShift - zero_point);
    }
    VariantPack(const VariantPack&) = delete;

    int64_t size() const { return static_cast<int64_t>(size_); }
    const int64_t* uids() const { return uids_.data(); }
    const void* const* pointers() const { return pointers_.data(); }

  private:
    void add(Uid uid, const void* pointer) {
        uids_[size_] = uid;
        pointers_[size_++] = pointer;
    }
    void add_scalar(Uid uid, float value) {
        scalars_[size_] = value;
        add(uid, &scalars_[size_]);
    }

    static constexpr size_t kMost = 9;
    std::array<int64_t, kMost> uids_{};
    std::array<const void*, kMost> pointers_{};
    std::array<float, kMost> scalars_{};
    size_t size_ = 0;
};

class CudnnPlan final : public plan::Plan {
  public:
    CudnnPlan(const std::string& name, std::shared_ptr<fe::ExecutionPlan> plan, const GraphEpilogue& epilogue)
        : Plan(name, static_cast<size_t>(plan->getWorkspaceSize())),
          plan_(std::move(plan)),
          epilogue_(epilogue) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void* workspace) const override {
        const VariantPack tensors(epilogue_, a);
        fe::detail::backend_descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
        check(pack.get_status(), "create variant pack");
        using fe::detail::set_attribute;
        check(set_attribute(pack.get_ptr(), CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64,
                            tensors.size(), tensors.uids()),
              "set tensor ids");
        check(set_attribute(pack.get_ptr(), CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                            tensors.size(), tensors.pointers()),
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
    GraphEpilogue epilogue_;
};

// Builds the graph of a problem. Its address identifies the graph.
using Recipe = std::function<GraphPointer()>;

struct EngineConfig {
    std::string tag;
    size_t workspace_size;
    fe::ManagedOpaqueDescriptor descriptor;
};

// One of an engine's kernels. cuDNN's name for the configuration with this choice and no other.
struct KernelChoice {
    int64_t engine, kernel;

    std::string tag() const { return "eng" + std::to_string(engine) + "_k24=" + std::to_string(kernel); }
};

// The engine in a tag such as "eng4_k24=3".
std::optional<int64_t> engine_of(const std::string& tag) {
    constexpr std::string_view kPrefix = "eng";
    int64_t engine = 0;
    if (!tag.starts_with(kPrefix)) return std::nullopt;
    const auto parsed = std::from_chars(tag.data() + kPrefix.size(), tag.data() + tag.size(), engine);
    return parsed.ec == std::errc() ? std::optional(engine) : std::nullopt;
}

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
            // Heuristics name the same engines again; one without choices stands for its first choice.
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

    // The other kernels of the engine that heuristics rank first, often faster than those they name. Some of
    // them turn out not to exist.
    std::vector<KernelChoice> other_kernels() const {
        std::vector<KernelChoice> others;
        const auto engine = configurations.empty() ? std::nullopt : engine_of(configurations.front().tag);
        std::vector<fe::Knob> knobs;
        if (!engine || graph->get_knobs_for_engine(*engine, knobs).is_bad()) return others;
        for (const fe::Knob& knob : knobs) {
            if (knob.type != fe::KnobType_t::KERNEL_CFG) continue;
            const int64_t step = std::max<int64_t>(1, knob.stride);
            for (int64_t kernel = knob.minValue; kernel <= knob.maxValue; kernel += step) {
                const KernelChoice choice{*engine, kernel};
                if (find(choice.tag()) == nullptr) others.push_back(choice);
            }
        }
        return others;
    }

    std::shared_ptr<fe::ExecutionPlan> build(const std::string& tag) const {
        const EngineConfig* configuration = find(tag);
        if (configuration == nullptr) throw plan::Unsupported("cuDNN does not name it any more");
        return build(configuration->descriptor, tag);
    }

    std::shared_ptr<fe::ExecutionPlan> build(const KernelChoice& choice) const {
        check(graph->create_execution_plan(choice.engine, {{fe::KnobType_t::KERNEL_CFG, choice.kernel}}));
        return build(graph->plans.get_barred_engine_configs().back(), choice.tag());
    }

  private:
    static constexpr const char* kFirstChoice = "_k24=0";

    static std::shared_ptr<fe::ExecutionPlan> build(const fe::ManagedOpaqueDescriptor& descriptor,
                                                    const std::string& tag) {
        std::shared_ptr<fe::ExecutionPlan> built;
        check(fe::detail::create_cudnn_execution_plan(built, descriptor, tag, nullptr));
        return built;
    }
};

// A thread builds candidates of one graph one after the other, so the last graph is cached.
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

cudnnContext* handle_of_this_thread() {
    thread_local std::unordered_map<int, cudnnHandle_t> handles;
    int device = 0;
    if (cudaGetDevice(&device) != cudaSuccess) throw std::runtime_error("no current GPU");
    cudnnHandle_t& handle = handles[device];
    if (handle == nullptr) check(fe::detail::create_handle(&handle), "create a handle");
    return handle;
}

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

std::vector<plan::Candidate> graph_candidates(const std::function<GraphPointer()>& make_graph,
                                              cudnnHandle_t handle, const std::string& engine,
                                              const GraphEpilogue& epilogue) {
    const auto recipe = std::make_shared<const Recipe>(make_graph);
    std::vector<plan::Candidate> candidates;
    const auto add = [&](const std::string& tag, size_t workspace_size, const auto& what, bool unlikely) {
        const std::string name = engine + " " + tag;
        candidates.push_back({name, workspace_size,
                              [recipe, what, name, epilogue]() -> std::shared_ptr<const plan::Plan> {
                                  auto built = configured_in_this_thread(recipe).build(what);
                                  return std::make_shared<CudnnPlan>(name, std::move(built), epilogue);
                              },
                              name, unlikely});
    };
    const Configured configured(*recipe, handle);
    for (const EngineConfig& c : configured.configurations) add(c.tag, c.workspace_size, c.tag, false);
    if (candidates.empty()) throw plan::Unsupported("cuDNN names no engine");
    for (const KernelChoice& choice : configured.other_kernels()) add(choice.tag(), 0, choice, true);
    return candidates;
}

std::shared_ptr<const plan::Plan> graph_plan(const std::string& name, const std::string& serialized,
                                             cudnnHandle_t handle, const GraphEpilogue& epilogue) {
    std::shared_ptr<fe::ExecutionPlan> built;
    check(fe::detail::create_cudnn_execution_plan(built, serialized, handle));
    return std::make_shared<CudnnPlan>(name, std::move(built), epilogue);
}

void require_cudnn(cudnnContext* cudnn, int64_t alignment) {
    if (!cudnn_problem().empty()) throw plan::Unsupported(cudnn_problem());
    if (cudnn == nullptr) throw plan::Unsupported("the session has no cuDNN handle");
    if (alignment < plan::kFullAlignment) {
        throw plan::Unsupported("a pointer is aligned to " + std::to_string(alignment) + " bytes only");
    }
}

}  // namespace qudnn::engines
