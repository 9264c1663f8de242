#include "plan/tuning/race.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace qudnn::plan {

namespace {

constexpr double kTooSlow = 1.2;       // times the best: it drops out
constexpr size_t kRoundsToLead = 3;    // in a row
constexpr size_t kFewestRounds = 5;    // nobody is out before the second: one measurement may be disturbed
constexpr size_t kDisturbedTimes = 3;  // as many rounds where all may be
constexpr size_t kMostRounds = 24;
constexpr double kBudget = 15'000;       // microseconds of measured work
constexpr double kEachMeasurement = 40;  // what surrounds the work takes about as long

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

}  // namespace

std::vector<double> race(size_t count, const Round& round, bool disturbed) {
    std::vector<std::vector<double>> times(count);
    std::vector<double> medians(count);
    std::vector<size_t> running(count);
    std::iota(running.begin(), running.end(), size_t{0});
    const auto faster = [&](size_t a, size_t b) { return medians[a] < medians[b]; };

    const size_t fewest_rounds = (disturbed ? kDisturbedTimes : 1) * kFewestRounds;
    size_t leader = count, led = 0;
    double spent = 0;
    for (size_t rounds = 1; rounds <= kMostRounds && !running.empty(); ++rounds) {
        const std::vector<double> measured = round(running);
        for (size_t i = 0; i < running.size(); ++i) {
            times[running[i]].push_back(measured[i]);
            const std::vector<double>& own = times[running[i]];
            medians[running[i]] = disturbed ? *std::min_element(own.begin(), own.end()) : median(own);
            spent += measured[i] + kEachMeasurement;
        }
        const size_t first = *std::min_element(running.begin(), running.end(), faster);
        led = first == leader ? led + 1 : 1;
        leader = first;
        if (spent > (disturbed ? kDisturbedTimes : 1) * kBudget) break;
        if (rounds >= fewest_rounds && led >= kRoundsToLead) break;
        if (rounds < fewest_rounds / 2) continue;
        const double limit = kTooSlow * medians[leader];
        std::erase_if(running,
                      [&](size_t i) { return *std::min_element(times[i].begin(), times[i].end()) > limit; });
    }
    return medians;
}

}  // namespace qudnn::plan
