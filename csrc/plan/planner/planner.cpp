#include "plan/planner/planner.h"

#include <cuda_runtime_api.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "plan/aside/aside.h"
#include "plan/aside/aside_host.h"
#include "plan/aside/made_up.h"
#include "plan/common/backoff.h"
#include "plan/common/cuda_error.h"
#include "plan/planner/failures.h"
#include "plan/planner/known.h"
#include "plan/problem/split.h"
#include "plan/storage/shelf.h"
#include "plan/storage/store.h"
#include "plan/storage/turn.h"
#include "plan/tuning/explanation.h"
#include "plan/tuning/tuner.h"

namespace qudnn::plan {

namespace {

constexpr size_t kCapacity = 4096;

using PlanCache = Cache<Key, Choice, KeyHash>;

// The process's plans.
struct State {
    PlanCache cache{kCapacity};
    Shelf shelf;
    Failures<Key, KeyHash> failures{kCapacity};  // of the tuner
    std::atomic<uint64_t> made{0};
    std::atomic<uint64_t> swapped{0};
    std::mutex mutex;
    // Plans that others took the place of. CUDA graphs may run their kernels as long as the process lives.
    std::vector<std::shared_ptr<const Choice>> retired;
    std::vector<std::string> untold;  // what tuning aside has to say, to be logged by the next run
    std::atomic<bool> has_untold{false};
};

State& state() {
    // NOTE: never destroyed. Plans belong to cuDNN, which may be gone before static objects are.
    static State* const only = new State;
    return *only;
}

void refuse_during_capture(const Problem& problem, const Launch& launch) {
    if (!is_capturing(launch.stream)) return;
    throw std::runtime_error(
        "no plan yet for this problem, and none can be made while a CUDA graph is captured: "
        "run these shapes once before capturing (" +
        text(problem) + ")");
}

// A plan that was made for another session's configuration and suits this one, too.
std::shared_ptr<const Choice> of_other_configuration(const Key& key, bool tuned_only) {
    for (const Configuration* other : all_configurations()) {
        if (other == key.configuration || !other->only.empty()) continue;
        const auto choice = state().cache.peek({key.problem, key.device, other});
        if (choice == nullptr || !choice->lasting) continue;
        if (!choice->tuned && tuned_only) continue;
        if (choice->plan->workspace_size() > key.configuration->workspace_limit) continue;
        return choice;
    }
    return nullptr;
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

Thoroughness thoroughness(Tune tune) {
    if (tune == Tune::full) return Thoroughness::fastest;
    return tune == Tune::background ? Thoroughness::guess : Thoroughness::first;
}

// Stores the choice on disk, if there is a folder and the choice is worth it.
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

// The plan that lies on the shelf, run once; null where there is none that can be used.
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

// The file over which processes take turns. A guess is made faster than another process's tuning ends; what
// is not kept is no use to others.
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
    const bool tuned_only = configuration.tune == Tune::full;
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
    if (configuration.tune == Tune::cached) {
        throw std::runtime_error(
            "no plan is known for this problem, and qudnn.tune=cached allows none to be "
            "made: run it once with 'full' and the same cache folder, with `qudnn tune`, "
            "or import it (" +
            text(key.problem) + ")");
    }

    if (turn.take(kPatience))
        if (auto choice = find()) return choice;
    const Thoroughness how = thoroughness(configuration.tune);
    const std::string likely = tuned_only ? std::string() : likely_plan(key, list());
    auto choice = state().failures.attempt(key, Backoff::Clock::now(),
                                           [&] { return tune(key.problem, arguments, host, how, likely); });
    ++state().made;
    keep(key, *choice, host);
    return choice;
}

void tell_at_next_run(const std::string& line) {
    const std::lock_guard lock(state().mutex);
    state().untold.push_back(line);
    state().has_untold = true;
}

void tell(const Host& host) {
    std::vector<std::string> lines;
    {
        const std::lock_guard lock(state().mutex);
        lines = std::exchange(state().untold, {});
        state().has_untold = false;
    }
    for (const std::string& line : lines) host.warn(line);
}

// The fastest plan, found or made on made-up tensors. Null where another process is at it.
std::shared_ptr<const Choice> fastest_aside(const Key& key, AsideHost& host,
                                            const Circumstances& circumstances) {
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
    auto choice = tune(key.problem, arguments, host, Thoroughness::fastest, "", circumstances);
    ++state().made;
    if (!choice->lasting) throw std::runtime_error("GPU memory was too short");
    keep(key, *choice, host);
    return choice;
}

// Looks for the fastest plan aside and puts it in the place of the guess: runs that come later take it.
void tune_aside(const Key& key, const std::string& node, const std::shared_ptr<const Choice>& guess) {
    constexpr std::chrono::milliseconds kWhileOthersTune{200};
    const auto work = [=](const Aside::Stop& stopped) {
        try {
            const DespiteCapture allowed;
            AsideHost host(key.device, *key.configuration, node, tell_at_next_run);
            const auto begin = std::chrono::steady_clock::now();
            std::shared_ptr<const Choice> choice;
            while (!stopped() && std::chrono::steady_clock::now() - begin < kPatience) {
                if ((choice = fastest_aside(key, host, {stopped, true}))) break;
                std::this_thread::sleep_for(kWhileOthersTune);
            }
            if (choice == nullptr) return;
            {
                const std::lock_guard lock(state().mutex);
                state().retired.push_back(guess);
            }
            state().cache.replace(key, guess, choice);
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

// Null where none is needed.
std::unique_ptr<Workspace> workspace_of(const Plan& plan, const Launch& launch, const Arguments& arguments,
                                        const Host& host) {
    const size_t bytes = plan.workspace_needed(launch, arguments);
    return bytes > 0 ? host.workspace(bytes) : nullptr;
}

// Runs the first plan whose workspace fits in memory.
void execute(const Choice& choice, const Problem& problem, const Arguments& arguments, const Host& host) {
    const Launch launch = host.launch();
    const Plan* plan = choice.plan.get();
    std::unique_ptr<Workspace> workspace;
    try {
        workspace = workspace_of(*plan, launch, arguments, host);
    } catch (const std::exception& e) {
        plan = nullptr;
        for (const auto& fallback : choice.fallbacks) {
            try {
                workspace = workspace_of(*fallback, launch, arguments, host);
            } catch (const std::exception&) {
                continue;  // the next one needs less
            }
            plan = fallback.get();
            break;
        }
        if (plan == nullptr) throw;
        if (!choice.told_of_fallback.exchange(true)) {
            host.warn("node " + host.node() + " runs on " + plan->name() + " instead of " +
                      choice.plan->name() + ", " + e.what() + ": " + text(problem));
        }
    }
    plan->execute(launch, arguments, workspace ? workspace->data() : nullptr);
}

// A new choice, since memory may no longer be short; the old one if it is not yet time, or if tuning fails.
// Other threads run the old one meanwhile.
std::shared_ptr<const Choice> chosen_anew(const Key& key, const Arguments& arguments, const Host& host,
                                          std::shared_ptr<const Choice> old) {
    if (is_capturing(host.launch().stream) || !old->backoff->claim(Backoff::Clock::now())) return old;
    std::shared_ptr<Choice> choice;
    try {
        choice = tune(key.problem, arguments, host, thoroughness(key.configuration->tune), old->plan->name());
    } catch (const std::exception& e) {
        host.warn("node " + host.node() + " stays on " + old->plan->name() + ": " + e.what());
        return old;
    }
    if (choice->backoff != nullptr) choice->backoff = old->backoff;  // its waits grow
    ++state().made;
    keep(key, *choice, host);
    state().cache.replace(key, old, choice);
    return choice;
}

void run_whole(const Problem& problem, const Arguments& arguments, const Host& host) {
    const Key key{problem, host.device(), &host.configuration()};
    bool is_new = false;
    auto choice = state().cache.get(key, [&] {
        is_new = true;
        return find_or_make(key, arguments, host);
    });
    if (is_new && key.configuration->tune == Tune::background && !choice->tuned &&
        key.configuration->only.empty()) {
        tune_aside(key, host.node(), choice);
    }
    if (state().has_untold.load(std::memory_order_relaxed)) tell(host);
    if (choice->backoff != nullptr) choice = chosen_anew(key, arguments, host, std::move(choice));
    execute(*choice, problem, arguments, host);
}

}  // namespace

void run(const Problem& problem, const Arguments& arguments, const Host& host) {
    if (!too_large(problem)) return run_whole(problem, arguments, host);
    for (const Slice& slice : split(problem)) {
        Arguments part = arguments;
        part.x += slice.x_offset;
        part.y = static_cast<int8_t*>(part.y) + slice.y_offset;
        if (part.residual.r != nullptr) part.residual.r += slice.y_offset;  // as large as y
        run_whole(slice.problem, part, host);
    }
}

PlannerStatistics statistics() {
    PlannerStatistics s;
    s.cache = state().cache.statistics();
    s.cache.builds = state().made;
    const ShelfStatistics shelf = state().shelf.statistics();
    s.disk_hits = shelf.disk_hits;
    s.disk_writes = shelf.disk_writes;
    s.disk_rejected = shelf.disk_rejected;
    const TunerStatistics& tuner = tuner_statistics();
    s.candidates_built = tuner.candidates_built;
    s.candidates_dropped = tuner.candidates_dropped;
    s.tuning_seconds = 1e-6 * static_cast<double>(tuner.microseconds);
    s.pending = aside().pending();
    s.swapped = state().swapped;
    return s;
}

bool wait_for_tuning(std::chrono::milliseconds patience) { return aside().wait(patience); }

void clear() {
    aside().clear();
    state().cache.clear();
    state().shelf.clear();
    state().failures.clear();
    state().made = state().swapped = 0;
    TunerStatistics& tuner = tuner_statistics();
    tuner.candidates_built = tuner.candidates_dropped = tuner.microseconds = 0;
}

std::vector<Listed> list() {
    std::vector<Listed> all;
    for (const auto& [key, choice] : state().cache.list()) {
        all.push_back({record_of(key, *choice, false), source_text(choice->source)});
    }
    return all;
}

std::pair<std::string, size_t> export_archive(const std::string& folder) {
    std::vector<Record> records;
    for (const auto& [key, choice] : state().cache.list()) {
        if (choice->lasting) records.push_back(record_of(key, *choice, true));
    }
    return Shelf::export_archive(records, folder);
}

std::pair<size_t, size_t> import_file(const std::string& path, const std::string& folder) {
    return state().shelf.import_file(path, folder);
}

}  // namespace qudnn::plan
