// Nodes that run on the fake runtimes, from their kernel's creation to its launches.
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ops/register.h"
#include "ort/api.h"
#include "plan/common/backoff.h"
#include "plan/common/configuration.h"
#include "plan/planner/planner.h"
#include "plan/planner/state.h"
#include "plan/tuning/tuner.h"
#include "testing/fakes/allocations.h"
#include "testing/fakes/cuda.h"
#include "testing/fakes/runtime.h"
#include "testing/hooks.h"

namespace qudnn::testing {

namespace {

using ort::ElementType;

// At address 0: in memory that is there, for what lies on the host.
OrtValue tensor(const Value& v) {
    alignas(256) static std::array<int8_t, 1 << 12> zeros{};
    if (v.null()) return {ElementType::undefined, {}, nullptr};
    const int64_t address = v["address"].integer();
    return {static_cast<ElementType>(v["type"].integer()), v["shape"].integers(),
            address == 0 ? zeros.data() : reinterpret_cast<void*>(address)};
}

void check(OrtStatus* status) { ort::check(status); }

class Node {
  public:
    // constants: by input, null where it is none.
    Node(const std::string& op, const Object& attributes, const List& constants, const std::string& only,
         const std::string& tune) {
        use_fake_runtime(ort::kShapeReferenceVersion);
        plan::Configuration configuration = plan::parse_configuration(tune, std::nullopt, "");
        configuration.only = only;
        const plan::Configuration& interned = plan::intern(configuration);
        op_ = ops::find_op(op, interned);
        OrtKernelInfo info;
        for (const auto& [name, value] : attributes.at("integers").object())
            info.integers[name] = value.integers();
        for (const auto& [name, value] : attributes.at("reals").object()) info.reals[name] = value.reals();
        for (const auto& [name, value] : attributes.at("texts").object()) info.texts[name] = value.text();
        for (const Value& constant : constants) info.constants.push_back(tensor(constant));
        check(op_->CreateKernelV2(op_, ort::api(), &info, &kernel_));
    }
    Node(const Node&) = delete;
    ~Node() { op_->KernelDestroy(kernel_); }

    std::vector<int64_t> run(OrtKernelContext& context) const {
        const uint64_t before = allocations_of_this_thread();
        check(op_->KernelComputeV2(kernel_, &context));
        heap_allocations += allocations_of_this_thread() - before;
        return context.outputs[0].dims;
    }

    mutable std::atomic<uint64_t> heap_allocations{0};  // of all runs

  private:
    const OrtCustomOp* op_ = nullptr;
    void* kernel_ = nullptr;
};

OrtKernelContext context_of(const List& inputs, int64_t y, ElementType type = ElementType::int8) {
    const OrtValue output{type, {}, reinterpret_cast<void*>(y)};
    OrtKernelContext context{{}, {output, output, output}};
    for (const Value& input : inputs) context.inputs.push_back(tensor(input));
    return context;
}

// Runs the node in several threads at the same time, each on an x and a y of its own that change from run to
// run within `period`; how many launches had maps of other tensors.
int64_t wrong_launches(const Node& node, const List& inputs, int threads, int runs, int period) {
    std::atomic<int64_t> wrong{0};
    note_launches(Notes::last);
    const auto work = [&](int thread) {
        for (int i = 0; i < runs; ++i) {
            OrtKernelContext context = context_of(inputs, 0);
            const uint64_t x = 0x100000000u + 0x1000000u * static_cast<unsigned>(thread) +
                               0x1000u * static_cast<unsigned>(i % period);
            context.inputs[0].data = reinterpret_cast<void*>(x);
            context.outputs[0].data = reinterpret_cast<void*>(x + 0x800);
            node.run(context);
            const std::vector<uint64_t>& got = last_launch().addresses;
            if (got.empty()) continue;  // another kernel's
            const auto weights = reinterpret_cast<uint64_t>(context.inputs[1].data);
            if (got.at(0) != x || got.at(4) != weights || got.at(8) != x + 0x800) ++wrong;
            if (got.at(6) != 0 && got.at(6) != x + 0x800) ++wrong;
        }
    };
    std::vector<std::thread> all;
    for (int thread = 0; thread < threads; ++thread) all.emplace_back(work, thread);
    for (std::thread& thread : all) thread.join();
    note_launches(Notes::all);
    return wrong;
}

std::atomic<uint64_t> lookups_taken{0};

// In the process's cache of plans, since the last time.
uint64_t take_lookups() {
    const plan::CacheStatistics now = plan::state().cache.statistics();  // without runs that needed none
    return now.hits + now.misses - lookups_taken.exchange(now.hits + now.misses);
}

void clear_plans() {
    plan::clear();
    lookups_taken = 0;
}

// Gives all known problems the plain native plan, as tuning aside gives them a faster one; in need: as if
// memory had been too short for another one, and it were time to choose again.
void replace_plans(bool in_need) {
    for (const auto& [key, chosen] : plan::state().cache.list()) {
        auto choice = std::make_shared<plan::Choice>();
        choice->plan = plan::native_plan(key.problem);
        if (in_need)
            choice->backoff =
                std::make_shared<plan::Backoff>(plan::Backoff::Clock::now() - std::chrono::minutes(1));
        chosen->replace(*chosen->shared(), choice);
    }
}

// [problem, plan, whether it was tuned] of each that is known, the last used first.
std::string known_plans() {
    std::vector<std::string> all;
    for (const plan::Listed& listed : plan::list())
        all.push_back(json::list_of(listed.record.key.problem, listed.record.plan, listed.record.tuned));
    return json::list(all);
}

std::string all_calls() {
    const CudaCalls cuda = take_cuda_calls();
    const RuntimeCalls runtime = take_runtime_calls();
    std::vector<std::string> launches;
    for (const FakeLaunch& launch : cuda.launches)
        launches.push_back(json::list_of(launch.kernel, launch.addresses));
    return json::object({{"tensor_maps", json::of(cuda.tensor_maps)},
                         {"questions", json::of(cuda.questions)},
                         {"synchronizations", json::of(cuda.synchronizations)},
                         {"allocations", json::of(cuda.allocations)},
                         {"descriptions", json::of(runtime.descriptions)},
                         {"scratch", json::of(runtime.scratch)},
                         {"runtime_questions", json::of(runtime.questions)},
                         {"lookups", json::of(take_lookups())},
                         {"launches", json::list(launches)}});
}

// What an op says of its result, by axis: the extent, or the name of what is not known. Null where it says
// nothing. Inputs are given in the same way; null where one is not known.
std::string inferred(const std::string& op, const Object& attributes, const List& inputs) {
    use_fake_runtime(ort::kShapeReferenceVersion);
    const OrtCustomOp* const definition = ops::find_op(op, plan::intern(plan::Configuration()));
    OrtShapeInferContext context;
    for (const auto& [name, value] : attributes.at("integers").object())
        context.attributes[name].integers = value.integers();
    for (const auto& [name, value] : attributes.at("reals").object())
        context.attributes[name].reals = value.reals();
    for (const auto& [name, value] : attributes.at("texts").object())
        context.attributes[name].text = value.text();
    for (const Value& input : inputs) {
        OrtTensorTypeAndShapeInfo& info = context.inputs.emplace_back();
        if (input.null()) continue;
        for (const Value& dim : input.list()) {
            const bool known = !dim.is_text();
            info.own.dims.push_back(known ? dim.integer() : -1);
            info.symbols.push_back(known ? "" : dim.text());
        }
    }
    check(definition->InferOutputShapeFn(definition, &context));
    const OrtTensorTypeAndShapeInfo& y = context.output;
    if (y.own.type == ElementType::undefined) return nothing();
    std::vector<std::string> dims;
    for (size_t i = 0; i < y.own.dims.size(); ++i)
        dims.push_back(y.own.dims[i] >= 0 ? json::of(y.own.dims[i]) : json::of(y.symbols[i]));
    return json::list(dims);
}

}  // namespace

void add_fake_hooks(Hooks& hooks) {
    hooks["Node"] = [](const Call& call) {
        return objects().add(std::make_shared<Node>(call[0].text(), call[1].object(), call[2].list(),
                                                    call[3].text(), call[4].text()));
    };
    hooks["Node.run"] = [](const Call& call) {
        const auto type = static_cast<ElementType>(call[3].integer());
        OrtKernelContext context = context_of(call[1].list(), call[2].integer(), type);
        return json::of(call.object<Node>()->run(context));
    };
    hooks["Node.wrong_launches"] = [](const Call& call) {
        const auto number = [&](size_t i) { return static_cast<int>(call[i].integer()); };
        return json::of(
            wrong_launches(*call.object<Node>(), call[1].list(), number(2), number(3), number(4)));
    };
    hooks["Node.heap_allocations"] = [](const Call& call) {
        return json::of(call.object<Node>()->heap_allocations.load());
    };
    hooks["inferred"] = [](const Call& call) {
        return inferred(call[0].text(), call[1].object(), call[2].list());
    };
    hooks["calls"] = [](const Call&) { return all_calls(); };
    hooks["set_capturing"] = [](const Call& call) { return set_capturing(call[0].flag()), nothing(); };
    hooks["clear_plans"] = [](const Call&) { return clear_plans(), nothing(); };
    hooks["replace_plans"] = [](const Call& call) { return replace_plans(call[0].flag()), nothing(); };
    hooks["wait_for_tuning"] = [](const Call& call) {
        return json::of(plan::wait_for_tuning(std::chrono::milliseconds(call[0].integer())));
    };
    hooks["plans"] = [](const Call&) { return known_plans(); };
    hooks["hits"] = [](const Call&) { return json::of(plan::statistics().cache.hits); };
    hooks["use_runtime"] = [](const Call& call) {
        return use_fake_runtime(static_cast<uint32_t>(call[0].integer())), nothing();
    };
}

}  // namespace qudnn::testing
