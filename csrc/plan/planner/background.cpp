#include "plan/planner/background.h"

#include <chrono>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "plan/aside/aside.h"
#include "plan/aside/aside_host.h"
#include "plan/aside/made_up.h"
#include "plan/common/cuda_error.h"
#include "plan/planner/finding.h"
#include "plan/planner/state.h"
#include "plan/storage/turn.h"
#include "plan/tuning/tuner.h"

namespace qudnn::plan {

namespace {

void tell_at_next_run(const std::string& line) {
    const std::lock_guard lock(state().mutex);
    state().untold.push_back(line);
    state().has_untold = true;
}

// The fastest plan, found or made on made-up tensors. Null where another process is at it.
std::shared_ptr<const Choice> fastest_aside(const Key& key, AsideHost& host) {
    constexpr bool kTunedOnly = true;
    if (auto choice = of_other_configuration(key, kTunedOnly)) return choice;
    MadeUpTensors tensors;
    const Arguments arguments = tensors.arguments(key.problem);
    host.begin(arguments);
    const RecordKey record_key = record_key_of(key);
    Turn turn(shared_file(key, record_key, host));
    if (auto choice = find_on_shelf(key, record_key, kTunedOnly, arguments, host)) return choice;
    const bool is_written = turn.take(std::chrono::milliseconds(0));
    if (turn.is_others()) return nullptr;
    if (is_written)
        if (auto choice = find_on_shelf(key, record_key, kTunedOnly, arguments, host)) return choice;
    auto choice = tune(key.problem, arguments, host, Thoroughness::fastest, "");
    ++state().made;
    if (!choice->lasting) throw std::runtime_error("GPU memory was too short");
    keep(key, *choice, host);
    return choice;
}

}  // namespace

void tell(const Host& host) {
    std::vector<std::string> lines;
    {
        const std::lock_guard lock(state().mutex);
        lines = std::exchange(state().untold, {});
        state().has_untold = false;
    }
    for (const std::string& line : lines) host.warn(line);
}

void tune_aside(const Key& key, const std::string& node, const std::shared_ptr<Chosen>& chosen) {
    constexpr std::chrono::milliseconds kWhileOthersTune{200};
    const std::shared_ptr<const Choice> guess = chosen->shared();
    const auto work = [=](const Aside::Stop& stopped) {
        try {
            const DespiteCapture allowed;
            AsideHost host(key.device, *key.configuration, node, tell_at_next_run, stopped);
            const auto begin = std::chrono::steady_clock::now();
            std::shared_ptr<const Choice> choice;
            while (!stopped() && std::chrono::steady_clock::now() - begin < kPatience) {
                if ((choice = fastest_aside(key, host))) break;
                std::this_thread::sleep_for(kWhileOthersTune);
            }
            if (choice == nullptr) return;
            chosen->replace(*guess, choice);
            ++state().swapped;
        } catch (const Stopped&) {
        } catch (const std::exception& e) {
            tell_at_next_run("node " + node + " stays on " + guess->plan->name() + ": " + e.what());
        }
    };
    try {
        aside().add(work);
    } catch (const std::system_error& e) {
        tell_at_next_run("node " + node + " stays on " + guess->plan->name() + ": no thread, " + e.what());
    }
}

}  // namespace qudnn::plan
