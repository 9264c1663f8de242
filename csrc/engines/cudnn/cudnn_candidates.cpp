#include "engines/cudnn/cudnn_candidates.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "engines/cudnn/cudnn_library.h"
#include "engines/cudnn/cudnn_plan.h"

namespace qudnn::engines {

namespace {

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

}  // namespace

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
                                  return make_plan(name, std::move(built), epilogue);
                              },
                              name, unlikely});
    };
    const Configured configured(*recipe, handle);
    for (const EngineConfig& c : configured.configurations) add(c.tag, c.workspace_size, c.tag, false);
    if (candidates.empty()) throw plan::Unsupported("cuDNN names no engine");
    for (const KernelChoice& choice : configured.other_kernels()) add(choice.tag(), 0, choice, true);
    return candidates;
}

}  // namespace qudnn::engines
