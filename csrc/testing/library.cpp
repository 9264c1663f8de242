// How the library guards itself, for tests without a GPU: numbers out of range, failures, forks.
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/window/window.h"
#include "ops/register.h"
#include "ops/shared/usable_device.h"
#include "ops/shared/window.h"
#include "ort/api.h"
#include "plan/common/backoff.h"
#include "plan/common/choice.h"
#include "plan/planner/failures.h"
#include "plan/tuning/pool.h"
#include "testing/hooks.h"

namespace qudnn::testing {

namespace {

// The attributes of a node, by name.
class GivenAttributes final : public ort::Attributes {
  public:
    explicit GivenAttributes(const Object& values) : values_(values) {}

    int64_t integer(const char* name) const override { return get(name).integer(); }
    float real(const char* name) const override { return static_cast<float>(get(name).real()); }
    std::vector<int64_t> integers(const char* name) const override { return get(name).integers(); }
    std::vector<float> reals(const char* name) const override { return get(name).reals(); }
    std::string text(const char* name) const override { return get(name).text(); }

  private:
    const Object& values_;

    const Value& get(const char* name) const {
        const auto found = values_.find(name);
        if (found == values_.end()) throw ort::Error(std::string("no attribute ") + name);
        return found->second;
    }
};

// What failed before, by its name.
using NamedFailures = plan::Failures<std::string, std::hash<std::string>>;

std::shared_ptr<const plan::Choice> choice_of(const std::string& engine) {
    auto choice = std::make_shared<plan::Choice>();
    choice->engine = engine;
    return choice;
}

// A choice, and what is chosen now; choices are told apart by their engines.
struct Chosen {
    std::shared_ptr<const plan::Choice> first;
    plan::Chosen now;

    explicit Chosen(const std::string& engine) : first(choice_of(engine)), now(first) {}
};

plan::Backoff::Clock::time_point at(double seconds) {
    return plan::Backoff::Clock::time_point(
        std::chrono::duration_cast<plan::Backoff::Clock::duration>(std::chrono::duration<double>(seconds)));
}

int run_on_pool(int tasks) {
    std::atomic<int> done{0};
    std::vector<plan::Task> all;
    for (int i = 0; i < tasks; ++i) all.push_back({std::to_string(i), [&done] { ++done; }});
    plan::run_on_pool(std::move(all));
    return done;
}

// What ONNX Runtime is told where a message cannot be made.
std::string status_without_memory() {
    OrtStatus* const status = ort::guarded([] { throw std::runtime_error("failed"); },
                                           []() -> std::string { throw std::bad_alloc(); });
    std::string message = ort::invoke<ort::slots::GetErrorMessage>(status);
    ort::invoke<ort::slots::ReleaseStatus>(status);
    return message;
}

// Null where CUDA has to be asked.
std::string no_usable_device(const Call& call) {
    ops::Machine machine{static_cast<int>(call[1].integer()), {}};
    for (const Value& gpu : call[0].list())
        machine.gpus.push_back({static_cast<int>(gpu[0].integer()), gpu[1].text()});
    const std::string visible = call[3].null() ? "" : call[3].text();
    const auto why = ops::no_usable_device(machine, static_cast<int>(call[2].integer()),
                                           call[3].null() ? nullptr : visible.c_str());
    return why ? json::of(*why) : nothing();
}

std::string window_count(const Call& call) {
    return json::of(ops::window_count(call[0].integer(), call[1].integer(), call[2].integer(),
                                      call[3].integer(), call[4].integer(), call[5].integer(),
                                      call[6].flag()));
}

void add_failure_hooks(Hooks& hooks) {
    hooks["Failures"] = [](const Call& call) {
        return objects().add(std::make_shared<NamedFailures>(static_cast<size_t>(call[0].integer())));
    };
    hooks["Failures.attempt"] = [](const Call& call) {
        const auto work = [&] { return call.back().text(); };
        const auto failures = call.object<NamedFailures>();
        return json::of(failures->attempt(call[1].text(), at(call[2].real()), work));
    };
    hooks["Failures.clear"] = [](const Call& call) {
        call.object<NamedFailures>()->clear();
        return nothing();
    };
    hooks["Backoff"] = [](const Call& call) {
        return objects().add(std::make_shared<plan::Backoff>(at(call[0].real())));
    };
    hooks["Backoff.claim"] = [](const Call& call) {
        return json::of(call.object<plan::Backoff>()->claim(at(call[1].real())));
    };
}

void add_chosen_hooks(Hooks& hooks) {
    hooks["Chosen"] = [](const Call& call) {
        return objects().add(std::make_shared<Chosen>(call[0].text()));
    };
    hooks["Chosen.now"] = [](const Call& call) {
        const auto chosen = call.object<Chosen>();
        const plan::Choice& now = chosen->now.now();
        if (chosen->now.shared().get() != &now) throw std::logic_error("there are two of now");
        return json::of(now.engine);
    };
    hooks["Chosen.replace"] = [](const Call& call) {
        const auto chosen = call.object<Chosen>();
        chosen->now.replace(*chosen->now.shared(), choice_of(call[1].text()));
        return nothing();
    };
    hooks["Chosen.replace_first"] = [](const Call& call) {
        const auto chosen = call.object<Chosen>();
        chosen->now.replace(*chosen->first, choice_of(call[1].text()));
        return nothing();
    };
}

}  // namespace

void add_library_hooks(Hooks& hooks) {
    hooks["read_attributes"] = [](const Call& call) {
        ops::read_attributes(call[0].text(), GivenAttributes(call[1].object()));
        return nothing();
    };
    hooks["window_count"] = &window_count;
    hooks["run_on_pool"] = [](const Call& call) {
        return json::of(run_on_pool(static_cast<int>(call[0].integer())));
    };
    hooks["tensor_maps_made"] = [](const Call&) { return json::of(kernels::tensor_maps_made()); };
    hooks["status_without_memory"] = [](const Call&) { return json::of(status_without_memory()); };
    hooks["no_usable_device"] = &no_usable_device;
    add_failure_hooks(hooks);
    add_chosen_hooks(hooks);
}

}  // namespace qudnn::testing
