#include "plan/tuner.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <span>

#include "plan/contenders.h"
#include "plan/cuda_error.h"
#include "plan/engine.h"
#include "plan/explanation.h"
#include "plan/exploration.h"
#include "plan/race.h"
#include "plan/trial.h"

namespace qudnn::plan {

namespace {

// An unlikely candidate within this factor of the best time may be the best one for another problem.
constexpr double kNearBest = 1.1;

// The reference takes part in the race if it is this close to the others.
constexpr double kReferenceInReach = 1.5;

// One tuning of one problem.
class Tuning {
  public:
    Tuning(const Problem& problem, const Arguments& arguments, const Host& host)
        : problem_(problem), arguments_(arguments), host_(host), contenders_(problem, host) {}

    std::shared_ptr<Choice> choose(const std::string& likely) {
        const bool full = host_.configuration().tune == Tune::full;
        contenders_.collect(full, likely);
        reference_ = native_plan(problem_);
        if (reference_ == nullptr)
            throw std::runtime_error("no engine runs " + text(problem_) + contenders_.reasons());
        try {
            if (full) {
                try_all();
            } else {
                contenders_.move_to_front(likely);
                try_one_by_one();
            }
        } catch (const OutOfMemory& e) {
            return unchecked(e.what());
        }
        return ranked(full);
    }

  private:
    void compare(Trial& trial, Contender& contender) {
        if (!contender.usable()) return;
        try {
            if (const uint64_t differing = trial.differing_bytes(*contender.plan); differing > 0) {
                contenders_.drop(contender, "wrong result, " + std::to_string(differing) + " bytes differ");
                host_.warn("node " + host_.node() + ": " + contender.candidate.name +
                           " is not used, it gives a wrong result for " + text(problem_) + " (" +
                           std::to_string(differing) + " of " + std::to_string(y_bytes(problem_)) +
                           " bytes)");
            }
        } catch (const OutOfMemory& e) {
            short_of_memory_ = true;
            contenders_.drop(contender, e.what());
        } catch (const std::exception& e) {
            contenders_.drop(contender, e.what());
        }
    }

    void try_all() {
        const auto start = std::chrono::steady_clock::now();
        contenders_.build(contenders_.all());
        Trial trial(problem_, arguments_, host_, *reference_);
        for (Contender& contender : contenders_.all()) compare(trial, contender);
        measure(trial, true);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        const auto explored = std::count_if(contenders_.all().begin(), contenders_.all().end(),
                                            [](const Contender& c) { return c.candidate.unlikely; });
        if (explored > 0)
            exploration().spend(took.count() * static_cast<double>(explored) /
                                static_cast<double>(contenders_.all().size()));
    }

    // Builds and compares one candidate after the other, up to the first that works. Builds outside of
    // trials, so that other threads can run theirs meanwhile.
    void try_one_by_one() {
        for (Contender& contender : contenders_.all()) {
            contenders_.build({&contender, 1});
            if (!contender.usable()) continue;
            Trial trial(problem_, arguments_, host_, *reference_);
            compare(trial, contender);
            if (contender.usable()) return measure(trial, false);
        }
        Trial trial(problem_, arguments_, host_, *reference_);
        measure(trial, false);
    }

    void measure(Trial& trial, bool full) {
        reference_microseconds_ = trial.reference_microseconds();
        std::vector<Contender*> running;
        for (Contender& contender : contenders_.all()) {
            if (contender.usable()) running.push_back(&contender);
        }
        const auto time = [&](std::span<const size_t> indices) {
            std::vector<const Plan*> plans;
            for (const size_t i : indices) plans.push_back(running[i]->plan.get());
            return trial.time(plans);
        };
        bool reference_runs = running.empty();
        if (full && !running.empty() && host_.configuration().only.empty()) {
            std::vector<size_t> everyone(running.size());
            for (size_t i = 0; i < everyone.size(); ++i) everyone[i] = i;
            const std::vector<double> once = time(everyone);
            reference_runs =
                reference_microseconds_ < kReferenceInReach * *std::min_element(once.begin(), once.end());
        }
        if (reference_runs) {
            contenders_.all().push_back(
                {reference_engine(), {reference_->name(), 0, {}, ""}, reference_, "", 0});
            running.clear();
            for (Contender& contender : contenders_.all()) {
                if (contender.usable()) running.push_back(&contender);
            }
        }
        const std::vector<double> medians = race(running.size(), time);
        for (size_t i = 0; i < running.size(); ++i) running[i]->microseconds = medians[i];
        if (full) learn(running);
    }

    void learn(const std::vector<Contender*>& timed) const {
        double best = std::numeric_limits<double>::infinity();
        for (const Contender* contender : timed) best = std::min(best, contender->microseconds);
        for (const Contender* contender : timed) {
            if (!contender->candidate.unlikely || contender->microseconds > kNearBest * best) continue;
            exploration().learn(contender->candidate.affinity, problem_);
        }
    }

    const Engine* reference_engine() const {
        for (const Engine* engine : engines()) {
            if (engine->native() && engine->takes(problem_)) return engine;
        }
        return nullptr;
    }

    std::shared_ptr<Choice> ranked(bool full) {
        std::vector<const Contender*> order;
        for (const Contender& contender : contenders_.all()) {
            if (contender.usable()) order.push_back(&contender);
            if (contender.candidate.name == contenders_.first()) first_microseconds_ = contender.microseconds;
        }
        std::stable_sort(order.begin(), order.end(), [](const Contender* a, const Contender* b) {
            return a->microseconds < b->microseconds;
        });
        const Contender& best = *order.front();
        auto choice = make_choice(*best.engine, best.plan);
        choice->tuned = full;
        choice->source = full ? Source::tuned : Source::heuristic;
        if (short_of_memory_) set_short_of_memory(*choice);  // at another time another plan may win
        choice->microseconds = best.microseconds;
        size_t least = best.plan->workspace_size();
        for (const Contender* contender : order) {
            if (contender->plan->workspace_size() >= least) continue;
            choice->fallbacks.push_back(contender->plan);
            least = contender->plan->workspace_size();
        }
        if (least > 0) choice->fallbacks.push_back(reference_);
        log_choice(outcome(), *choice);
        return choice;
    }

    // Nothing could be compared: this time the reference runs, which is always right.
    std::shared_ptr<Choice> unchecked(const std::string& why) {
        auto choice = make_choice(*reference_engine(), reference_);
        set_short_of_memory(*choice);
        choice->source = Source::heuristic;
        log_unchecked(outcome(), *choice, why);
        return choice;
    }

    void set_short_of_memory(Choice& choice) const {
        choice.lasting = false;
        if (choice.plan == reference_ && speed_matters(problem_)) {
            choice.backoff = std::make_shared<Backoff>(Backoff::Clock::now());
        }
    }

    std::shared_ptr<Choice> make_choice(const Engine& engine, std::shared_ptr<const Plan> plan) {
        auto choice = std::make_shared<Choice>();
        choice->engine = engine.name();
        choice->plan = std::move(plan);
        choice->lasting = host_.configuration().only.empty();
        choice->first_plan = contenders_.first();
        choice->first_microseconds = first_microseconds_;
        choice->created = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
        return choice;
    }

    Outcome outcome() const { return {problem_, host_, contenders_, *reference_, reference_microseconds_}; }

    const Problem& problem_;
    const Arguments& arguments_;
    const Host& host_;
    Contenders contenders_;
    std::shared_ptr<const Plan> reference_;
    double reference_microseconds_ = 0;  // 0: not run yet
    double first_microseconds_ = 0;
    bool short_of_memory_ = false;
};

}  // namespace

TunerStatistics& tuner_statistics() {
    static TunerStatistics statistics;
    return statistics;
}

std::shared_ptr<Choice> tune(const Problem& problem, const Arguments& arguments, const Host& host,
                             const std::string& likely) {
    const DespiteCapture allowed;
    const auto start = std::chrono::steady_clock::now();
    auto choice = Tuning(problem, arguments, host).choose(likely);
    const auto took = std::chrono::steady_clock::now() - start;
    tuner_statistics().microseconds +=
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
    return choice;
}

std::shared_ptr<const Plan> native_plan(const Problem& problem) {
    for (const Engine* engine : engines()) {
        if (!engine->native() || !engine->takes(problem)) continue;
        try {
            return engine->candidates(problem, nullptr).front().build();
        } catch (const Unsupported&) {
        }
    }
    return nullptr;
}

}  // namespace qudnn::plan
