#include "plan/planner/planner.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <utility>

#include "plan/aside/aside.h"
#include "plan/common/backoff.h"
#include "plan/common/cuda_error.h"
#include "plan/common/memo.h"
#include "plan/planner/background.h"
#include "plan/planner/finding.h"
#include "plan/planner/known.h"
#include "plan/planner/state.h"
#include "plan/problem/split.h"
#include "plan/tuning/trial.h"
#include "plan/tuning/tuner.h"

namespace qudnn::plan {

namespace {

// Null where none is needed.
std::unique_ptr<Workspace> workspace_of(const Plan& plan, const Launch& launch, const Arguments& arguments,
                                        const Host& host) {
    const size_t bytes = plan.workspace_needed(launch, arguments);
    return bytes > 0 ? host.workspace(bytes) : nullptr;
}

// Runs the first plan whose workspace fits in memory.
void execute(const Choice& choice, const Problem& problem, const Arguments& arguments, const Launch& launch,
             const Host& host) {
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

// Chooses anew, since memory may no longer be short, if it is time. Other threads run the old choice
// meanwhile, and all do if tuning fails.
void choose_anew(Chosen& chosen, const Key& key, const Arguments& arguments, const Host& host) {
    const std::shared_ptr<const Choice> old = chosen.shared();
    if (old->backoff == nullptr || Trial::in_this_thread() || is_capturing(host.launch().stream) ||
        !old->backoff->claim(Backoff::Clock::now()))
        return;
    std::shared_ptr<Choice> choice;
    try {
        choice = tune(key.problem, arguments, host, thoroughness(key.configuration->tune), old->plan->name());
    } catch (const std::exception& e) {
        host.warn("node " + host.node() + " stays on " + old->plan->name() + ": " + e.what());
        return;
    }
    if (choice->backoff != nullptr) choice->backoff = old->backoff;  // its waits grow
    ++state().made;
    keep(key, *choice, host);
    chosen.replace(*old, choice);
}

Key key_of(const Problem& problem, const Host& host) {
    return {problem, host.device(), &host.configuration()};
}

void run_chosen(Chosen& chosen, const Problem& problem, const Arguments& arguments, const Launch& launch,
                const Host& host) {
    if (state().has_untold.load(std::memory_order_relaxed)) tell(host);
    if (chosen.now().backoff != nullptr) choose_anew(chosen, key_of(problem, host), arguments, host);
    execute(chosen.now(), problem, arguments, launch, host);
}

// What the cache has for the problem, or will have now.
std::shared_ptr<Chosen> find_chosen(const Problem& problem, const Arguments& arguments, const Host& host) {
    const Key key = key_of(problem, host);
    if (Trial::in_this_thread()) {
        if (auto known = state().cache.peek(key)) return known;
        throw std::runtime_error("its plans were forgotten while they ran");
    }
    bool is_new = false;
    auto chosen = state().cache.get(key, [&] {
        is_new = true;
        return std::make_shared<Chosen>(find_or_make(key, arguments, host));
    });
    if (is_new && tune_of(host) == Tune::background && !chosen->now().tuned &&
        key.configuration->only.empty()) {
        tune_aside(key, host.node(), chosen);
    }
    return chosen;
}

// Runs what an earlier run of the node has kept; false where there is nothing.
bool run_known(const Problem& problem, const Arguments& arguments, const Launch& launch, const Host& host) {
    if (launch.memo == nullptr) return false;
    Chosen* const chosen = launch.memo->find_chosen(problem, state().era.load(std::memory_order_acquire));
    if (chosen == nullptr) return false;
    state().known.fetch_add(1, std::memory_order_relaxed);
    run_chosen(*chosen, problem, arguments, launch, host);
    return true;
}

// Runs a problem that is not too large and that the node did not know.
void run_new(const Problem& problem, const Arguments& arguments, const Launch& launch, const Host& host) {
    const uint64_t era = state().era.load(std::memory_order_acquire);  // before the look into the cache
    const std::shared_ptr<Chosen> chosen = find_chosen(problem, arguments, host);
    if (launch.memo != nullptr) launch.memo->keep_chosen(problem, era, chosen);
    run_chosen(*chosen, problem, arguments, launch, host);
}

}  // namespace

void run(const Problem& problem, const Arguments& arguments, const Host& host) {
    const Launch launch = host.launch();
    if (run_known(problem, arguments, launch, host)) return;
    check_sizes(problem);
    if (!too_large(problem)) return run_new(problem, arguments, launch, host);
    for (const Slice& slice : split(problem)) {
        Arguments part = arguments;
        part.x += slice.x_offset;
        part.y = static_cast<int8_t*>(part.y) + slice.y_offset;
        if (part.residual.r != nullptr && !part.residual.per_channel)
            part.residual.r += slice.y_offset;  // as large as y
        if (!run_known(slice.problem, part, launch, host)) run_new(slice.problem, part, launch, host);
    }
}

PlannerStatistics statistics() {
    PlannerStatistics s;
    s.cache = state().cache.statistics();
    s.cache.hits += state().known;
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
    ++state().era;  // after the cache: a run that still found something there keeps it in vain
    state().made = state().swapped = state().known = 0;
    TunerStatistics& tuner = tuner_statistics();
    tuner.candidates_built = tuner.candidates_dropped = tuner.microseconds = 0;
}

std::vector<Listed> list() {
    std::vector<Listed> all;
    for (const auto& [key, chosen] : state().cache.list()) {
        const auto choice = chosen->shared();
        all.push_back({record_of(key, *choice, false), source_text(choice->source)});
    }
    return all;
}

std::pair<std::string, size_t> export_archive(const std::string& folder) {
    std::vector<Record> records;
    for (const auto& [key, chosen] : state().cache.list()) {
        const auto choice = chosen->shared();
        if (choice->lasting) records.push_back(record_of(key, *choice, true));
    }
    return Shelf::export_archive(records, folder);
}

std::pair<size_t, size_t> import_file(const std::string& path, const std::string& folder) {
    return state().shelf.import_file(path, folder);
}

}  // namespace qudnn::plan
