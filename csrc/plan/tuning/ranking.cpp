#include "plan/tuning/ranking.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include "plan/common/backoff.h"
#include "plan/tuning/contenders.h"
#include "plan/tuning/search.h"

namespace qudnn::plan {

namespace {

std::shared_ptr<Choice> make_choice(const Outcome& outcome, const Engine& engine,
                                    std::shared_ptr<const Plan> plan) {
    auto choice = std::make_shared<Choice>();
    choice->engine = engine.name();
    choice->plan = std::move(plan);
    choice->lasting = outcome.host.configuration().only.empty();
    choice->source = Source::heuristic;
    choice->first_plan = outcome.contenders.first();
    choice->created = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    return choice;
}

// At another time another plan may win.
void set_short_of_memory(Choice& choice, const Outcome& outcome) {
    choice.lasting = false;
    if (choice.plan.get() == &outcome.reference && speed_matters(outcome.problem)) {
        choice.backoff = std::make_shared<Backoff>(Backoff::Clock::now());
    }
}

}  // namespace

const Engine* reference_engine(const Problem& problem) {
    for (const Engine* engine : engines()) {
        if (engine->native() && engine->takes(problem)) return engine;
    }
    return nullptr;
}

std::shared_ptr<Choice> ranked(const Outcome& outcome, const std::shared_ptr<const Plan>& reference,
                               bool tuned, bool short_of_memory) {
    std::vector<const Contender*> order;
    double first_microseconds = 0;
    for (const Contender& contender : outcome.contenders.all()) {
        if (contender.usable()) order.push_back(&contender);
        if (contender.candidate.name == outcome.contenders.first())
            first_microseconds = contender.microseconds;
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const Contender* a, const Contender* b) { return a->cost() < b->cost(); });
    const Contender& best = *order.front();
    auto choice = make_choice(outcome, *best.engine, best.plan);
    choice->tuned = tuned;
    if (tuned) choice->source = Source::tuned;
    if (short_of_memory) set_short_of_memory(*choice, outcome);
    choice->microseconds = best.microseconds;
    choice->first_microseconds = first_microseconds;
    size_t least = best.plan->workspace_size();
    for (const Contender* contender : order) {
        if (contender->plan->workspace_size() >= least) continue;
        choice->fallbacks.push_back(contender->plan);
        least = contender->plan->workspace_size();
    }
    if (least > reference->workspace_size()) choice->fallbacks.push_back(reference);
    log_choice(outcome, *choice);
    return choice;
}

std::shared_ptr<Choice> unchecked(const Outcome& outcome, const std::shared_ptr<const Plan>& reference,
                                  const std::string& why) {
    auto choice = make_choice(outcome, *reference_engine(outcome.problem), reference);
    set_short_of_memory(*choice, outcome);
    log_unchecked(outcome, *choice, why);
    return choice;
}

}  // namespace qudnn::plan
