#include "plan/exploration.h"

#include <bit>

namespace qudnn::plan {

namespace {

constexpr int64_t kSmallest = 10'000'000;  // multiplications; below, a launch takes longer than they do
constexpr int kProblemsOfASize = 3;        // most sizes of matrices that a block of a network has

int size_of(const Problem& problem) {
    return std::bit_width(static_cast<uint64_t>(multiplications(problem))) / 3;  // up to 8 times as large
}

DataType result_type(const Problem& problem) {
    return std::visit([](const auto& p) { return p.y_type; }, problem);
}

}  // namespace

bool Exploration::begins(const std::string& engine, const Problem& problem) {
    if (multiplications(problem) < kSmallest) return false;
    const std::lock_guard lock(mutex_);
    return explored_[{{engine, result_type(problem)}, size_of(problem)}]++ < kProblemsOfASize;
}

void Exploration::learn(const std::string& engine, const Problem& problem, const std::string& candidate) {
    const std::lock_guard lock(mutex_);
    fast_[{engine, result_type(problem)}].insert(candidate);
}

bool Exploration::knows(const std::string& engine, const Problem& problem,
                        const std::string& candidate) const {
    if (multiplications(problem) < kSmallest) return false;
    const std::lock_guard lock(mutex_);
    const auto found = fast_.find({engine, result_type(problem)});
    return found != fast_.end() && found->second.contains(candidate);
}

Exploration& exploration() {
    static Exploration of_process;
    return of_process;
}

}  // namespace qudnn::plan
