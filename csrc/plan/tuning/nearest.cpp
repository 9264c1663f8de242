#include "plan/tuning/nearest.h"

#include <cmath>
#include <tuple>
#include <variant>

namespace qudnn::plan {

namespace {

double size(const Problem& problem) { return std::log(static_cast<double>(multiplications(problem)) + 1); }

// Of two problems of one layer.
bool differ_in_batch_only(const Problem& a, const Problem& b) {
    if (const auto* block = std::get_if<BlockProblem>(&a)) {
        const auto& other = std::get<BlockProblem>(b);
        return other.h == block->h && other.w == block->w;
    }
    const auto* conv = std::get_if<ConvProblem>(&a);
    if (conv == nullptr) return true;  // a matmul has nothing else to differ in
    ConvProblem resized = std::get<ConvProblem>(b);
    resized.n = conv->n;
    return resized == *conv;
}

}  // namespace

std::string nearest_plan(const Problem& problem, std::span<const KnownPlan> known) {
    const KnownPlan* nearest = nullptr;
    std::tuple<bool, bool, double> least;
    for (const KnownPlan& k : known) {
        if (!same_layer(k.problem, problem)) continue;
        const std::tuple distance{!k.tuned, !differ_in_batch_only(k.problem, problem),
                                  std::abs(size(k.problem) - size(problem))};
        if (nearest != nullptr && distance >= least) continue;
        nearest = &k;
        least = distance;
    }
    return nearest == nullptr ? std::string() : nearest->plan;
}

}  // namespace qudnn::plan
