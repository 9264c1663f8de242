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

// The number that follows the prefix, which is cut off with it; nothing where there is none.
std::optional<int64_t> cut_number(std::string_view& text, std::string_view prefix) {
    int64_t number = 0;
    if (!text.starts_with(prefix)) return std::nullopt;
    text.remove_prefix(prefix.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    return number;
}

// The engine in a tag such as "eng4_k24=3".
std::optional<int64_t> engine_of(std::string_view tag) { return cut_number(tag, "eng"); }

// One of an engine's kernels. cuDNN's name for the configuration with this choice and no other.
struct KernelChoice {
    int64_t engine, kernel;

    std::string tag() const { return "eng" + std::to_string(engine) + "_k24=" + std::to_string(kernel); }

    static std::optional<KernelChoice> of(std::string_view tag) {
        const auto engine = cut_number(tag, "eng"), kernel = cut_number(tag, "_k24=");
        if (!engine || !kernel || !tag.empty()) return std::nullopt;
        return KernelChoice{*engine, *kernel};
    }
};

// A graph on one handle, and the engine configurations that cuDNN's heuristics name for it, once asked for:
// the answer takes some fifty milliseconds.
class Configured {
  public:
    Configured(const Recipe& recipe, cudnnHandle_t handle) : graph_(recipe()) {
        check(graph_->validate());
        check(graph_->build_operation_graph(handle));
    }

    const std::vector<EngineConfig>& configurations() {
        if (!asked_) ask();
        return configurations_;
    }

    // The other kernels of the engine that heuristics rank first, often faster than those they name. Some of
    // them turn out not to exist.
    std::vector<KernelChoice> other_kernels() {
        std::vector<KernelChoice> others;
        const auto engine = configurations().empty() ? std::nullopt : engine_of(configurations_.front().tag);
        std::vector<fe::Knob> knobs;
        if (!engine || graph_->get_knobs_for_engine(*engine, knobs).is_bad()) return others;
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

    // A kernel is built without heuristics; what has other choices is one of theirs.
    std::shared_ptr<fe::ExecutionPlan> build(const std::string& tag) {
        if (const auto choice = KernelChoice::of(tag)) {
            check(graph_->create_execution_plan(choice->engine,
                                                {{fe::KnobType_t::KERNEL_CFG, choice->kernel}}));
            return built(graph_->plans.get_barred_engine_configs().back(), tag);
        }
        if (!asked_) ask();
        const EngineConfig* configuration = find(tag);
        if (configuration == nullptr) throw plan::Unsupported("cuDNN does not name it any more");
        return built(configuration->descriptor, tag);
    }

  private:
    static constexpr const char* kFirstChoice = "_k24=0";

    void ask() {
        asked_ = true;
        const auto before = static_cast<std::ptrdiff_t>(graph_->plans.get_barred_engine_configs().size());
        check(
            graph_->create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::B, fe::HeurMode_t::FALLBACK}));
        auto descriptors = graph_->plans.get_barred_engine_configs();
        for (auto each = descriptors.begin() + before; each != descriptors.end(); ++each) {
            auto& descriptor = *each;
            const std::string tag = fe::detail::get_engine_tag(descriptor);
            // Heuristics name the same engines again; one without choices stands for its first choice.
            if (find(tag) != nullptr || find(tag + kFirstChoice) != nullptr) continue;
            int64_t workspace = 0;
            check(fe::detail::get_workspace_size(descriptor, workspace));
            configurations_.push_back({tag, static_cast<size_t>(workspace), descriptor});
        }
    }

    const EngineConfig* find(const std::string& tag) const {
        for (const EngineConfig& c : configurations_) {
            if (c.tag == tag) return &c;
        }
        return nullptr;
    }

    static std::shared_ptr<fe::ExecutionPlan> built(const fe::ManagedOpaqueDescriptor& descriptor,
                                                    const std::string& tag) {
        std::shared_ptr<fe::ExecutionPlan> plan;
        check(fe::detail::create_cudnn_execution_plan(plan, descriptor, tag, nullptr));
        return plan;
    }

    GraphPointer graph_;  // configurations refer to it
    std::vector<EngineConfig> configurations_;
    bool asked_ = false;
};

// A thread builds candidates of one graph one after the other, so the last graph is cached.
Configured& configured_in_this_thread(const std::shared_ptr<const Recipe>& recipe) {
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
    const auto add = [&](const std::string& tag, size_t workspace_size, bool unlikely) {
        const std::string name = engine + " " + tag;
        candidates.push_back({name, workspace_size,
                              [recipe, tag, name, epilogue]() -> std::shared_ptr<const plan::Plan> {
                                  auto built = configured_in_this_thread(recipe).build(tag);
                                  return make_plan(name, std::move(built), epilogue);
                              },
                              name, unlikely});
    };
    Configured configured(*recipe, handle);
    for (const EngineConfig& c : configured.configurations()) add(c.tag, c.workspace_size, false);
    if (candidates.empty()) throw plan::Unsupported("cuDNN names no engine");
    for (const KernelChoice& choice : configured.other_kernels()) add(choice.tag(), 0, true);
    return candidates;
}

}  // namespace qudnn::engines
