#include "plan/tuning/explanation.h"

#include <algorithm>
#include <iomanip>
#include <mutex>
#include <set>
#include <sstream>
#include <tuple>
#include <utility>
#include <vector>

#include "plan/common/engine.h"
#include "plan/tuning/search.h"

namespace qudnn::plan {

namespace {

constexpr size_t kMostTold = 4096;  // then some are told again

std::string rounded(double value, const char* unit) {
    std::ostringstream s;
    s << std::fixed << std::setprecision(1) << value << " " << unit;
    return s.str();
}

std::string heading(const Problem& problem, const Host& host, const Choice& choice) {
    const std::string& only = host.configuration().only;
    return "node " + host.node() + ": why " + choice.plan->name() + " runs " + text(problem) +
           (only.empty() ? "" : ", with QUDNN_ONLY=" + only);
}

std::string microseconds(double value) { return rounded(value, "us"); }

std::string line(const std::string& name, const std::string& what) { return "\n    " + name + ": " + what; }

// Whether the configuration names an engine or a plan, and neither runs the problem nor part of it.
bool is_other(const std::string& only, const Choice& choice) {
    if (only.empty() || only == choice.engine || only == choice.plan->name()) return false;
    return std::none_of(engines().begin(), engines().end(), [&](const Engine* engine) {
        return engine->name() == choice.engine && engine->delegates();
    });
}

std::string runs_plainly(const Outcome& outcome) {
    return "node " + outcome.host.node() + " runs on the plain native engine" +
           (speed_matters(outcome.problem) ? ", which is slow: " : ": ");
}

}  // namespace

std::string explanation(const Outcome& outcome, const Choice& choice) {
    std::string lines = heading(outcome.problem, outcome.host, choice);
    for (const Decline& decline : outcome.contenders.declines()) lines += line(decline.name, decline.reason);

    std::vector<std::tuple<double, double, std::string>> timed;  // by cost
    std::string untried;
    bool reference_raced = false;
    for (const Contender& contender : outcome.contenders.all()) {
        if (!contender.refusal.empty()) continue;  // one of the declines
        const std::string& name = contender.candidate.name;
        reference_raced = reference_raced || name == outcome.reference.name();
        if (contender.microseconds > 0)
            timed.emplace_back(contender.cost(), contender.microseconds, name);
        else
            untried += line(name, "not timed");
    }
    std::sort(timed.begin(), timed.end());
    for (const auto& [cost, time, name] : timed) {
        const std::string launch =
            cost > time ? " and " + microseconds(cost - time) + " for cuDNN's launch" : "";
        const std::string slower = rounded(cost / std::get<0>(timed.front()), "times as long as the fastest");
        lines += line(name,
                      microseconds(time) + launch + ", " + (name == choice.plan->name() ? "chosen" : slower));
    }
    lines += untried;
    if (!reference_raced) {
        const double time = outcome.reference_microseconds;
        lines += line(outcome.reference.name(), "the others are compared with it" +
                                                    (time > 0 ? "; " + microseconds(time) : std::string()));
    }
    return lines;
}

std::string explanation(const Problem& problem, const Host& host, const Choice& choice,
                        const std::string& where, std::span<const Answer> answers) {
    std::string lines = heading(problem, host, choice);
    lines += line(choice.plan->name(), "known from " + where + ", where it took " +
                                           microseconds(choice.microseconds) + "; not timed again");
    for (const Answer& answer : answers) {
        const size_t count = answer.plans.size();
        const std::string plans = std::to_string(count) + (count == 1 ? " plan" : " plans");
        lines += line(answer.engine, answer.refusal.empty() ? plans : answer.refusal);
    }
    return lines;
}

void log_choice(const Outcome& outcome, const Choice& choice) {
    const Host& host = outcome.host;
    const Contenders& contenders = outcome.contenders;
    const auto usable = std::count_if(contenders.all().begin(), contenders.all().end(),
                                      [](const Contender& contender) { return contender.usable(); });
    const bool only_reference = usable == 1 && choice.plan.get() == &outcome.reference;
    if (is_other(host.configuration().only, choice) || (only_reference && speed_matters(outcome.problem))) {
        host.warn(runs_plainly(outcome) + text(outcome.problem) + contenders.reasons());
    } else {
        std::string first;
        if (choice.first_microseconds > 0)
            first = ", the first heuristic plan " + microseconds(choice.first_microseconds);
        host.inform("node " + host.node() + ": " + choice.plan->name() + " takes " +
                    microseconds(choice.microseconds) + first + ", for " + text(outcome.problem) +
                    contenders.reasons());
    }
    if (host.configuration().explain) host.warn(explanation(outcome, choice));
}

void log_unchecked(const Outcome& outcome, const Choice& choice, const std::string& why) {
    outcome.host.warn(runs_plainly(outcome) + why + " while plans were compared: " + text(outcome.problem));
    if (outcome.host.configuration().explain) outcome.host.warn(explanation(outcome, choice));
}

void log_found(const Problem& problem, const Host& host, const Choice& choice, const std::string& where) {
    if (!host.configuration().explain) return;
    host.warn(explanation(problem, host, choice, where, answers(problem, host.launch().cudnn)));
}

void explain_slow_kernel(const Host& host, std::string_view kernel, std::string_view refusal) {
    if (!host.configuration().explain || refusal.empty()) return;
    const std::string message =
        std::string("node ").append(host.node()).append(": not ").append(kernel).append(": ").append(refusal);
    static std::mutex mutex;
    // NOTE: never destroyed; a thread may outlive main().
    static auto* const told = new std::set<std::string>;
    {
        const std::lock_guard lock(mutex);
        if (told->size() >= kMostTold) told->clear();
        if (!told->insert(message).second) return;
    }
    host.warn(message);
}

}  // namespace qudnn::plan
