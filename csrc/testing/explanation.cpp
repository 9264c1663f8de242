// What the log says of chosen plans, for tests without a GPU: engines answer as they do everywhere, and
// Python tells what came of their plans.
#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "plan/tuning/explanation.h"
#include "testing/hooks.h"
#include "testing/problems.h"

namespace qudnn::testing {

namespace {

using Log = std::vector<std::pair<std::string, std::string>>;  // level, message

// A node without a GPU that keeps what it is told.
class Listener final : public plan::Host {
  public:
    Listener(std::string node, plan::Configuration configuration)
        : node_(std::move(node)), configuration_(std::move(configuration)) {}

    plan::Launch launch() const override { return {nullptr, nullptr}; }
    int device() const override { return 0; }
    std::unique_ptr<plan::Workspace> workspace(size_t) const override { throw std::runtime_error("no GPU"); }
    const plan::Configuration& configuration() const override { return configuration_; }
    const std::string& node() const override { return node_; }
    void warn(const std::string& message) const override { log_.emplace_back("warning", message); }
    void inform(const std::string& message) const override { log_.emplace_back("info", message); }

    const Log& log() const { return log_; }

  private:
    std::string node_;
    plan::Configuration configuration_;
    mutable Log log_;
};

Listener listener(const std::string& node) {
    return {node, plan::parse_configuration(std::nullopt, std::nullopt, std::string())};
}

class NamedPlan final : public plan::Plan {
  public:
    explicit NamedPlan(const std::string& name) : Plan(name, 0) {}
    void execute(const plan::Launch&, const plan::Arguments&, void*) const override {
        throw std::runtime_error("no GPU");
    }
};

// outcomes: of candidates, by name: microseconds, or why one is out. The fastest is chosen. The reference may
// be among them, as in a race.
Log log_of_tuning(const std::string& node, const std::string& text,
                  const std::vector<std::pair<std::string, std::variant<double, std::string>>>& outcomes,
                  const std::string& reference, double reference_microseconds) {
    const plan::Problem problem = problem_of_text(text);
    const Listener host = listener(node);
    plan::Contenders contenders(problem, host);
    contenders.collect_ready();
    contenders.collect_compiled();
    const auto plain = std::make_shared<NamedPlan>(reference);
    plan::Choice choice;
    choice.engine = reference;
    choice.plan = plain;
    for (const auto& [name, outcome] : outcomes) {
        if (name == reference) contenders.all().push_back({nullptr, {name, 0, {}}, plain, {}});
        const auto is_meant = [&](const plan::Contender& c) { return c.candidate.name == name; };
        const auto found = std::find_if(contenders.all().begin(), contenders.all().end(), is_meant);
        if (found == contenders.all().end()) throw std::invalid_argument("no engine offers " + name);
        found->plan = std::make_shared<NamedPlan>(name);
        if (const auto* reason = std::get_if<std::string>(&outcome)) {
            contenders.drop(*found, *reason);
            continue;
        }
        found->microseconds = std::get<double>(outcome);
        if (choice.microseconds > 0 && choice.microseconds < found->microseconds) continue;
        choice.engine = found->engine == nullptr ? reference : found->engine->name();
        choice.plan = found->plan;
        choice.microseconds = found->microseconds;
    }
    log_choice({problem, host, contenders, *plain, reference_microseconds}, choice);
    return host.log();
}

Log log_of_found(const std::string& node, const std::string& text, const std::string& name,
                 double microseconds, const std::string& where) {
    const Listener host = listener(node);
    plan::Choice choice;
    choice.plan = std::make_shared<NamedPlan>(name);
    choice.microseconds = microseconds;
    log_found(problem_of_text(text), host, choice, where);
    return host.log();
}

Log log_of_slow_kernel(const std::string& node, const std::string& kernel, const std::string& refusal) {
    const Listener host = listener(node);
    plan::explain_slow_kernel(host, kernel, refusal);
    return host.log();
}

std::string log_json(const Log& log) {
    std::vector<std::string> all;
    for (const auto& [level, message] : log) all.push_back(json::list_of(level, message));
    return json::list(all);
}

}  // namespace

void add_explanation_hooks(Hooks& hooks) {
    // The log of a tuning with these outcomes: microseconds, or why a plan is out.
    hooks["log_of_tuning"] = [](const Call& call) {
        std::vector<std::pair<std::string, std::variant<double, std::string>>> outcomes;
        for (const Value& each : call[2].list()) {
            std::variant<double, std::string> outcome;
            if (each[1].is_text()) {
                outcome = each[1].text();
            } else {
                outcome = each[1].real();
            }
            outcomes.emplace_back(each[0].text(), std::move(outcome));
        }
        return log_json(
            log_of_tuning(call[0].text(), call[1].text(), outcomes, call[3].text(), call[4].real()));
    };
    // That of a plan that is known.
    hooks["log_of_found"] = [](const Call& call) {
        return log_json(
            log_of_found(call[0].text(), call[1].text(), call[2].text(), call[3].real(), call[4].text()));
    };
    // That where a faster kernel declined.
    hooks["log_of_slow_kernel"] = [](const Call& call) {
        return log_json(log_of_slow_kernel(call[0].text(), call[1].text(), call[2].text()));
    };
}

}  // namespace qudnn::testing
