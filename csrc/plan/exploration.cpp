#include "plan/exploration.h"

namespace qudnn::plan {

namespace {

constexpr double kBudget = 6;  // seconds: the layers of a transformer, or a third of a ResNet's

std::pair<std::string, DataType> key(const std::string& kernel, const Problem& problem) {
    return {kernel, std::visit([](const auto& p) { return p.y_type; }, problem)};
}

}  // namespace

bool Exploration::worth(const std::string& kernel, const Problem& problem) const {
    if (!speed_matters(problem)) return false;
    const std::lock_guard lock(mutex_);
    return spent_ < kBudget || fast_.contains(key(kernel, problem));
}

void Exploration::learn(const std::string& kernel, const Problem& problem) {
    const std::lock_guard lock(mutex_);
    fast_.insert(key(kernel, problem));
}

void Exploration::spend(double seconds) {
    const std::lock_guard lock(mutex_);
    spent_ += seconds;
}

Exploration& exploration() {
    static auto* const of_process = new Exploration;  // never destroyed: a thread may outlive main()
    return *of_process;
}

}  // namespace qudnn::plan
