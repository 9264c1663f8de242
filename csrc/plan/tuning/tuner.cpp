#include "plan/tuning/tuner.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <span>

#include "kernels/window/window.h"
#include "plan/common/cuda_error.h"
#include "plan/common/engine.h"
#include "plan/tuning/contenders.h"
#include "plan/tuning/explanation.h"
#include "plan/tuning/floor.h"
#include "plan/tuning/race.h"
#include "plan/tuning/ranking.h"
#include "plan/tuning/search.h"
#include "plan/tuning/trial.h"
#include "plan/tuning/winners.h"

namespace qudnn::plan {

namespace {

// The reference takes part in the race if it is this close to the others.
constexpr double kReferenceInReach = 1.5;

// One tuning of one problem.
class Tuning {
  public:
    Tuning(const Problem& problem, const Arguments& arguments, const Host& host)
        : problem_(problem),
          arguments_(arguments),
          host_(host),
          circumstances_(host.circumstances()),
          contenders_(problem, host) {}

    std::shared_ptr<Choice> choose(Thoroughness how, const std::string& likely) {
        reference_ = native_plan(problem_);
        if (reference_ == nullptr) throw std::runtime_error("no engine runs " + text(problem_));
        try {
            if (how == Thoroughness::fastest) {
                search();
            } else if (guesses(how, likely) && try_ready()) {
                // The fastest of those is the guess.
            } else {
                try_one_by_one(likely);
            }
        } catch (const OutOfMemory& e) {
            return unchecked(outcome(), reference_, e.what());
        }
        return ranked(outcome(), reference_, how == Thoroughness::fastest, short_of_memory_);
    }

  private:
    // What is fast for a residual block of one size may be slow for another one, and all is ready to be
    // timed.
    bool guesses(Thoroughness how, const std::string& likely) const {
        return std::holds_alternative<BlockProblem>(problem_) ||
               (how == Thoroughness::guess && likely.empty());
    }

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
        } catch (const Stopped&) {
            throw;
        } catch (const OutOfMemory& e) {
            short_of_memory_ = true;
            contenders_.drop(contender, e.what());
        } catch (const std::exception& e) {
            contenders_.drop(contender, e.what());
        }
    }

    void search() {
        int device = 0, major = 0, multiprocessors = 0;
        check_cuda(cudaGetDevice(&device));
        check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
        check_cuda(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
        const Tiling tiling = Tiling::of(problem_, major, multiprocessors);
        Trial trial(problem_, arguments_, host_, *reference_);
        const bool all = !host_.configuration().only.empty();  // nothing is too slow for who asks for it
        const Outlook outlook{
            all ? 0 : floor_microseconds(problem_, current_rates(), trial.in_cache()),
            !winners(major).empty(), speed_matters(problem_),
            all || !kernels::window_refusal().empty() || !own_kernels_suffice(problem_, major)};
        reference_microseconds_ = trial.reference_microseconds();
        contenders_.collect_ready();
        bool asked_all = false;
        for (;;) {
            std::vector<size_t> lot = next_lot(entrants(tiling), outlook);
            if (lot.empty() && !asked_all && compiling_pays(entrants(tiling), outlook)) {
                contenders_.collect_compiled();
                asked_all = true;
                continue;
            }
            if (lot.empty()) break;
            stop_if_asked();
            contenders_.build(lot, circumstances_.stopped);
            stop_if_asked();
            for (const size_t i : lot) compare(trial, contenders_.all()[i]);
            tried_.insert(lot.begin(), lot.end());
            time_with_best(trial, lot);
        }
        if (!asked_all)
            contenders_.leave_out_compiled("not asked: it was never faster, or the GPU can do no better");
        race_reference(trial);
    }

    // What the search looks at, in the contenders' order.
    std::vector<Entrant> entrants(const Tiling& tiling) const {
        std::vector<Entrant> all;
        // By engine, and by cuDNN's engine that it completes: how many that heuristics name.
        std::map<std::pair<const Engine*, std::string>, size_t> places;
        for (size_t i = 0; i < contenders_.all().size(); ++i) {
            const Contender& contender = contenders_.all()[i];
            Entrant entrant;
            entrant.compiled = !contender.candidate.affinity.empty();
            entrant.named =
                !contender.candidate.unlikely || contender.candidate.name == host_.configuration().only;
            const std::string& kernel = contender.candidate.affinity;
            if (entrant.compiled && entrant.named)
                entrant.place = places[{contender.engine, kernel.substr(0, kernel.find(' '))}]++;
            entrant.rank = rank_of(kernel, tiling);
            if (!contender.refusal.empty() || (tried_.contains(i) && !contender.usable()))
                entrant.microseconds = std::numeric_limits<double>::infinity();
            else if (tried_.contains(i))
                entrant.microseconds = contender.cost();
            all.push_back(entrant);
        }
        return all;
    }

    // Races the usable ones of a lot and the fastest of those before, so that all are compared at one time.
    void time_with_best(Trial& trial, const std::vector<size_t>& lot) {
        std::vector<Contender*> running;
        Contender* best = nullptr;
        for (size_t i = 0; i < contenders_.all().size(); ++i) {
            Contender& contender = contenders_.all()[i];
            if (!contender.usable()) continue;
            if (std::find(lot.begin(), lot.end(), i) != lot.end()) {
                running.push_back(&contender);
            } else if (contender.microseconds > 0 && (best == nullptr || contender.cost() < best->cost())) {
                best = &contender;
            }
        }
        if (running.empty()) return;
        if (best != nullptr) running.push_back(best);
        time(trial, running);
    }

    void time(Trial& trial, const std::vector<Contender*>& running) {
        const std::vector<double> times = race(
            running.size(),
            [&](std::span<const size_t> indices) {
                stop_if_asked();
                std::vector<const Plan*> plans;
                for (const size_t i : indices) plans.push_back(running[i]->plan.get());
                return trial.time(plans);
            },
            circumstances_.aside);
        for (size_t i = 0; i < running.size(); ++i) running[i]->microseconds = times[i];
    }

    // The reference takes part if nothing else runs, or if it is not far behind.
    void race_reference(Trial& trial) {
        Contender* best = nullptr;
        for (Contender& contender : contenders_.all()) {
            if (contender.usable() && contender.microseconds > 0 &&
                (best == nullptr || contender.cost() < best->cost())) {
                best = &contender;
            }
        }
        if (best != nullptr && (!host_.configuration().only.empty() ||
                                reference_microseconds_ >= kReferenceInReach * best->microseconds)) {
            return;
        }
        std::vector<Contender*> running;
        Contender reference{reference_engine(problem_), {reference_->name(), 0, {}, ""}, reference_, "", 0};
        running.push_back(&reference);
        if (best != nullptr) running.push_back(best);
        time(trial, running);
        contenders_.all().push_back(std::move(reference));
    }

    // Times all that are ready to run; false where there are none.
    bool try_ready() {
        contenders_.collect_ready();
        std::vector<size_t> lot(contenders_.all().size());
        std::iota(lot.begin(), lot.end(), size_t{0});
        contenders_.build(lot);
        const auto any_usable = [&] {
            return std::any_of(contenders_.all().begin(), contenders_.all().end(),
                               [](const Contender& contender) { return contender.usable(); });
        };
        if (!any_usable()) return false;
        Trial trial(problem_, arguments_, host_, *reference_);
        reference_microseconds_ = trial.reference_microseconds();
        for (Contender& contender : contenders_.all()) compare(trial, contender);
        time_with_best(trial, lot);
        return any_usable();
    }

    // Builds and compares one candidate after the other, up to the first that works.
    void try_one_by_one(const std::string& likely) {
        contenders_.clear();
        contenders_.collect(likely);
        contenders_.move_to_front(likely);
        for (size_t i = 0; i < contenders_.all().size(); ++i) {
            contenders_.build(std::span(&i, 1));
            Contender& contender = contenders_.all()[i];
            if (!contender.usable()) continue;
            Trial trial(problem_, arguments_, host_, *reference_);
            reference_microseconds_ = trial.reference_microseconds();
            compare(trial, contender);
            if (contender.usable()) return time(trial, {&contender});
        }
        Trial trial(problem_, arguments_, host_, *reference_);
        reference_microseconds_ = trial.reference_microseconds();
        race_reference(trial);
    }

    void stop_if_asked() const {
        if (circumstances_.stop()) throw Stopped();
    }

    Outcome outcome() const { return {problem_, host_, contenders_, *reference_, reference_microseconds_}; }

    const Problem& problem_;
    const Arguments& arguments_;
    const Host& host_;
    const Circumstances circumstances_;
    Contenders contenders_;
    std::shared_ptr<const Plan> reference_;
    std::set<size_t> tried_;             // indices of contenders
    double reference_microseconds_ = 0;  // 0: not run yet
    bool short_of_memory_ = false;
};

}  // namespace

TunerStatistics& tuner_statistics() {
    static TunerStatistics statistics;
    return statistics;
}

std::shared_ptr<Choice> tune(const Problem& problem, const Arguments& arguments, const Host& host,
                             Thoroughness how, const std::string& likely) {
    const DespiteCapture allowed;
    const auto start = std::chrono::steady_clock::now();
    auto choice = Tuning(problem, arguments, host).choose(how, likely);
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
