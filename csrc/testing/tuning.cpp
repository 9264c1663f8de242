// What decides how long the tuner looks for a plan and where it begins, for tests without a GPU.
#include <chrono>
#include <fstream>
#include <limits>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "plan/aside/aside.h"
#include "plan/tuning/floor.h"
#include "plan/tuning/nearest.h"
#include "plan/tuning/search.h"
#include "plan/tuning/winners.h"
#include "testing/hooks.h"
#include "testing/problems.h"

namespace qudnn::testing {

namespace {

// Of [compiled, named, place, rank or null, microseconds], null where not tried, negative where out.
std::vector<plan::Entrant> entrants_of(const Value& value) {
    std::vector<plan::Entrant> entrants;
    for (const Value& each : value.list()) {
        plan::Entrant entrant;
        entrant.compiled = each[0].flag();
        entrant.named = each[1].flag();
        entrant.place = static_cast<size_t>(each[2].integer());
        if (!each[3].null()) entrant.rank = static_cast<size_t>(each[3].integer());
        if (!each[4].null()) {
            const double time = each[4].real();
            entrant.microseconds = time < 0 ? std::numeric_limits<double>::infinity() : time;
        }
        entrants.push_back(entrant);
    }
    return entrants;
}

plan::Outlook outlook_of(const Call& call) {
    return {call[1].real(), call[2].flag(), call[3].flag(), call[4].flag()};
}

std::string next_lot(const Call& call) {
    return json::of(plan::next_lot(entrants_of(call[0]), outlook_of(call)));
}

std::string compiling_pays(const Call& call) {
    return json::of(plan::compiling_pays(entrants_of(call[0]), {call[1].real(), true, true}));
}

std::string winners(const Call& call) {
    std::vector<std::string> names;
    for (const plan::Winner& winner : plan::winners(static_cast<int>(call[0].integer())))
        names.emplace_back(winner.kernel);
    return json::of(names);
}

// null where it is none of the winners.
std::string rank_of(const Call& call) {
    const size_t rank = plan::rank_of(
        call[0].text(), plan::Tiling::of(problem_of(call[1]), static_cast<int>(call[2].integer()),
                                         static_cast<int>(call[3].integer())));
    return rank == plan::Entrant::kNoRank ? "null" : json::of(rank);
}

std::string own_kernels_suffice(const Call& call) {
    return json::of(plan::own_kernels_suffice(problem_of(call[0]), static_cast<int>(call[1].integer())));
}

std::string floor_microseconds(const Call& call) {
    const Value& gpu = call[1];
    const auto number = [&](size_t index) { return static_cast<int>(gpu[index].integer()); };
    const plan::Rates rates =
        plan::rates(number(0), number(1), number(2), gpu[3].real(), gpu[4].real(), number(5));
    return json::of(plan::floor_microseconds(problem_of(call[0]), rates, call[2].flag()));
}

std::string nearest_plan(const Call& call) {
    std::vector<plan::KnownPlan> known;
    for (const Value& each : call[1].list())
        known.push_back({problem_of(each[0]), each[1].text(), each[2].flag()});
    return json::of(plan::nearest_plan(problem_of(call[0]), known));
}

std::chrono::milliseconds milliseconds_of(const Value& seconds) {
    return std::chrono::milliseconds(static_cast<int64_t>(1e3 * seconds.real()));
}

// Work for Aside that waits until its number is let go, or until it is stopped, and notes how it ended.
class Gate {
  public:
    plan::Aside::Work work(int64_t number) {
        return [this, number](const plan::Aside::Stop& stopped) {
            while (!stopped() && !open(number)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            const std::lock_guard lock(mutex_);
            ended_.push_back(open_.contains(number) ? number : -number);
        };
    }
    void let_go(int64_t number) {
        const std::lock_guard lock(mutex_);
        open_.insert(number);
    }
    // The numbers of what has ended, in order; negative where it was stopped.
    std::vector<int64_t> ended() const {
        const std::lock_guard lock(mutex_);
        return ended_;
    }

  private:
    bool open(int64_t number) const {
        const std::lock_guard lock(mutex_);
        return open_.contains(number);
    }
    mutable std::mutex mutex_;
    std::set<int64_t> open_;
    std::vector<int64_t> ended_;

  public:
    plan::Aside aside;  // the last member, so that its work ends before the others are gone
};

void add_aside_hooks(Hooks& hooks) {
    hooks["Aside"] = [](const Call&) { return objects().add(std::make_shared<Gate>()); };
    hooks["Aside.add"] = [](const Call& call) {
        const auto gate = call.object<Gate>();
        gate->aside.add(gate->work(call[1].integer()));
        return nothing();
    };
    hooks["Aside.let_go"] = [](const Call& call) {
        call.object<Gate>()->let_go(call[1].integer());
        return nothing();
    };
    hooks["Aside.ended"] = [](const Call& call) { return json::of(call.object<Gate>()->ended()); };
    hooks["Aside.pending"] = [](const Call& call) { return json::of(call.object<Gate>()->aside.pending()); };
    hooks["Aside.wait"] = [](const Call& call) {
        return json::of(call.object<Gate>()->aside.wait(milliseconds_of(call[1])));
    };
    hooks["Aside.stop"] = [](const Call& call) {
        return json::of(call.object<Gate>()->aside.stop(milliseconds_of(call[1])));
    };
    hooks["Aside.clear"] = [](const Call& call) {
        call.object<Gate>()->aside.clear();
        return nothing();
    };
    // In the process's own: work that goes on until it is stopped, then for a while, then writes a file.
    hooks["work_aside_until_exit"] = [](const Call& call) {
        plan::aside().add([path = call[0].text()](const plan::Aside::Stop& stopped) {
            while (!stopped()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            std::ofstream(path) << "ended";
        });
        return nothing();
    };
}

}  // namespace

void add_tuning_hooks(Hooks& hooks) {
    hooks["next_lot"] = &next_lot;
    hooks["compiling_pays"] = &compiling_pays;
    hooks["winners"] = &winners;
    hooks["rank_of"] = &rank_of;
    hooks["own_kernels_suffice"] = &own_kernels_suffice;
    hooks["floor_microseconds"] = &floor_microseconds;
    hooks["nearest_plan"] = &nearest_plan;
    add_aside_hooks(hooks);
}

}  // namespace qudnn::testing
