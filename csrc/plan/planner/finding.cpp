#include "plan/planner/finding.h"

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "plan/common/backoff.h"
#include "plan/common/cuda_error.h"
#include "plan/planner/planner.h"
#include "plan/planner/state.h"
#include "plan/storage/store.h"
#include "plan/storage/turn.h"
#include "plan/tuning/explanation.h"

namespace qudnn::plan {

namespace {

void refuse_during_capture(const Problem& problem, const Launch& launch) {
    if (!is_capturing(launch.stream)) return;
    throw std::runtime_error(
        "no plan yet for this problem, and none can be made while a CUDA graph is captured: "
        "run these shapes once before capturing (" +
        text(problem) + ")");
}

// Runs a restored plan once, so that a plan that this machine cannot run is found out here.
void try_out(const Choice& choice, const Arguments& arguments, const Host& host) {
    std::unique_ptr<Workspace> workspace;
    try {
        workspace = host.workspace(choice.plan->workspace_size());
    } catch (const std::exception&) {
        return;  // not the plan's fault: the run that follows handles it
    }
    choice.plan->execute(host.launch(), arguments, workspace->data());
}

}  // namespace

std::shared_ptr<const Choice> of_other_configuration(const Key& key, bool tuned_only) {
    for (const Configuration* other : all_configurations()) {
        if (other == key.configuration || !other->only.empty()) continue;
        const auto chosen = state().cache.peek({key.problem, key.device, other});
        if (chosen == nullptr) continue;
        auto choice = chosen->shared();
        if (!choice->lasting) continue;
        if (!choice->tuned && tuned_only) continue;
        if (choice->plan->workspace_size() > key.configuration->workspace_limit) continue;
        return choice;
    }
    return nullptr;
}

Tune tune_of(const Host& host) { return host.circumstances().aside ? Tune::full : host.configuration().tune; }

Thoroughness thoroughness(Tune tune) {
    if (tune == Tune::full) return Thoroughness::fastest;
    return tune == Tune::background ? Thoroughness::guess : Thoroughness::first;
}

void keep(const Key& key, const Choice& choice, const Host& host) {
    const std::string& folder = key.configuration->cache_folder;
    // Without a cuDNN handle, cuDNN's plans were no candidates: the next session may do better.
    if (!choice.lasting || host.launch().cudnn == nullptr || folder.empty()) return;
    const auto log = [&](const std::string& line) { host.warn(line); };
    try {
        state().shelf.keep(record_of(key, choice, true), folder, log);
    } catch (const std::exception& e) {
        log(choice.plan->name() + " is not kept on disk: " + e.what());
    }
}

std::shared_ptr<const Choice> find_on_shelf(const Key& key, const RecordKey& record_key, bool tuned_only,
                                            const Arguments& arguments, const Host& host) {
    std::shared_ptr<const Choice> choice;
    const auto use = [&](const Record& record, bool imported) {
        if (!record.tuned && tuned_only) return false;
        const DespiteCapture allowed;
        auto restored = restore(record, key.problem, host.launch().cudnn, imported);
        try_out(*restored, arguments, host);
        choice = std::move(restored);
        return true;
    };
    const auto log = [&](const std::string& line) { host.warn(line); };
    if (!state().shelf.find(record_key, key.configuration->cache_folder, use, log)) return nullptr;
    const bool imported = choice->source == Source::imported;
    log_found(key.problem, host, *choice, imported ? "imported plans" : "the folder of plans");
    return choice;
}

std::filesystem::path shared_file(const Key& key, const RecordKey& record_key, const Host& host) {
    const Configuration& configuration = *key.configuration;
    const bool for_others =
        configuration.only.empty() && host.launch().cudnn != nullptr && !configuration.cache_folder.empty();
    return for_others ? Store(configuration.cache_folder).path(record_key) : std::filesystem::path();
}

std::shared_ptr<const Choice> find_or_make(const Key& key, const Arguments& arguments, const Host& host) {
    check(key.problem);
    const Configuration& configuration = *key.configuration;
    const bool all = configuration.only.empty();
    const Tune how = tune_of(host);
    const bool tuned_only = how == Tune::full;
    if (auto choice = all ? of_other_configuration(key, tuned_only) : nullptr) {
        log_found(key.problem, host, *choice, "another session of the process");
        return choice;
    }
    refuse_during_capture(key.problem, host.launch());

    const RecordKey record_key = record_key_of(key);
    const auto find = [&] {
        return all ? find_on_shelf(key, record_key, tuned_only, arguments, host) : nullptr;
    };
    Turn turn(tuned_only ? shared_file(key, record_key, host) : std::filesystem::path());
    if (auto choice = find()) return choice;
    if (how == Tune::cached) {
        throw std::runtime_error(
            "no plan is known for this problem, and qudnn.tune=cached allows none to be "
            "made: run it once with 'full' and the same cache folder, with `qudnn tune`, "
            "or import it (" +
            text(key.problem) + ")");
    }

    if (turn.take(kPatience))
        if (auto choice = find()) return choice;
    const std::string likely = tuned_only ? std::string() : likely_plan(key, list());
    auto choice = state().failures.attempt(key, Backoff::Clock::now(), [&] {
        return tune(key.problem, arguments, host, thoroughness(how), likely);
    });
    ++state().made;
    keep(key, *choice, host);
    return choice;
}

}  // namespace qudnn::plan
