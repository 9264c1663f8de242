#include "plan/tuning/search.h"

#include <algorithm>

namespace qudnn::plan {

namespace {

constexpr size_t kLot = 16;          // as many threads build, on a machine that has them
constexpr size_t kFirstNamed = 3;    // of each engine, where no winners are known
constexpr size_t kLikely = 4;        // of the winners; one compiled kernel takes about half a second
constexpr size_t kMostUnnamed = 64;  // that are tried: all of an engine's
// No kernel reaches more than about 95 % of what the GPU can do: within this factor of the floor, no other
// one is 3 % faster.
constexpr double kNearFloor = 1.08;
constexpr double kFarFromFloor = 2;
// What heuristics name first is at most so much slower than the fastest of its engine, as a rule.
constexpr double kBeaten = 1.25;
constexpr double kLarge = 30;  // microseconds

constexpr double kNone = std::numeric_limits<double>::infinity();

template <class Counts>
double fastest(std::span<const Entrant> entrants, const Counts& counts) {
    double best = kNone;
    for (const Entrant& e : entrants)
        if (e.microseconds && counts(e)) best = std::min(best, *e.microseconds);
    return best;
}

double fastest(std::span<const Entrant> entrants) {
    return fastest(entrants, [](const Entrant&) { return true; });
}

template <class Wanted>
std::vector<size_t> untried(std::span<const Entrant> entrants, const Wanted& wanted) {
    std::vector<size_t> found;
    for (size_t i = 0; i < entrants.size(); ++i)
        if (!entrants[i].microseconds && wanted(entrants[i])) found.push_back(i);
    return found;
}

// Those with the least `key`, in their order.
template <class Key>
std::vector<size_t> first_by(std::vector<size_t> indices, size_t count, const Key& key) {
    std::stable_sort(indices.begin(), indices.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
    indices.resize(std::min(indices.size(), count));
    return indices;
}

// What heuristics name first, then the likeliest winners.
std::vector<size_t> first_compiled(std::span<const Entrant> entrants, const Outlook& outlook) {
    const size_t count = outlook.generation_known && outlook.speed_matters ? 1 : kFirstNamed;
    const auto is_first = [&](const Entrant& e) { return e.named && e.place < count; };
    std::vector<size_t> lot =
        first_by(untried(entrants, [&](const Entrant& e) { return e.compiled && is_first(e); }), kLot,
                 [&](size_t i) { return entrants[i].place; });
    if (!outlook.speed_matters) return lot;
    const auto has_won = [&](const Entrant& e) { return e.compiled && e.rank < kLikely && !is_first(e); };
    for (const size_t winner : first_by(untried(entrants, has_won), kLot - lot.size(),
                                        [&](size_t i) { return entrants[i].rank; })) {
        lot.push_back(winner);
    }
    return lot;
}

// Whether kernels may be worth it that are neither first nor likely.
bool exploring_pays(std::span<const Entrant> entrants, const Outlook& outlook) {
    const double best = fastest(entrants);
    if (!outlook.generation_known || best == kNone) return true;
    return outlook.speed_matters && best >= kLarge && best >= kFarFromFloor * outlook.floor;
}

}  // namespace

bool compiling_pays(std::span<const Entrant> entrants, const Outlook& outlook) {
    const double best = fastest(entrants);
    if (best <= kNearFloor * outlook.floor || (!outlook.compiled_may_win && best != kNone)) return false;
    const double compiled = fastest(entrants, [](const Entrant& e) { return e.compiled; });
    return compiled == kNone || compiled <= kBeaten * best;
}

std::vector<size_t> next_lot(std::span<const Entrant> entrants, const Outlook& outlook) {
    std::vector<size_t> lot = untried(entrants, [](const Entrant& e) { return !e.compiled; });
    if (!lot.empty() || !compiling_pays(entrants, outlook)) return lot;

    const bool any_compiled = std::any_of(entrants.begin(), entrants.end(),
                                          [](const Entrant& e) { return e.compiled && e.microseconds; });
    if (!any_compiled) lot = first_compiled(entrants, outlook);
    if (!lot.empty()) return lot;

    if (!exploring_pays(entrants, outlook)) return {};
    lot = first_by(untried(entrants,
                           [&](const Entrant& e) {
                               return e.named || (outlook.speed_matters && e.rank != Entrant::kNoRank);
                           }),
                   kLot, [&](size_t i) { return std::min(entrants[i].place, entrants[i].rank); });
    if (!lot.empty() || !outlook.speed_matters) return lot;

    const auto explored = static_cast<size_t>(std::count_if(
        entrants.begin(), entrants.end(), [](const Entrant& e) { return !e.named && e.microseconds; }));
    const size_t left = kMostUnnamed - std::min(kMostUnnamed, explored);
    return first_by(untried(entrants, [](const Entrant&) { return true; }), std::min(left, kLot),
                    [&](size_t i) { return i; });
}

}  // namespace qudnn::plan
