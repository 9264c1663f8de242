// In what order the candidates of a problem are tried, and when trying more cannot pay. The same problem with
// the same measurements gets the same plan, whatever the process has tuned before. Knows nothing of CUDA.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "export.h"
#include "plan/problem/problem.h"

namespace qudnn::plan {

// Multiplications from which on a problem's speed matters: fewer take less time than their launch.
constexpr int64_t kSpeedRelevant = 10'000'000;
inline bool speed_matters(const Problem& problem) { return multiplications(problem) >= kSpeedRelevant; }

// A candidate, as far as the search looks at it.
struct Entrant {
    static constexpr size_t kNoRank = std::numeric_limits<size_t>::max();

    bool compiled = false;  // building it takes a fraction of a second; else it takes no time
    bool named = true;      // by heuristics
    size_t place = 0;       // among its engine's
    size_t rank = kNoRank;  // among the kernels that have won on GPUs of this generation; see rank_of()
    // Not tried yet: nothing. Out: infinity.
    std::optional<double> microseconds = {};
};

struct Outlook {
    double floor = 0;              // microseconds that the GPU needs at least; see floor.h
    bool generation_known = true;  // winners are known for the GPU's generation
    bool speed_matters = true;
    bool compiled_may_win = true;  // see own_kernels_suffice()
};

// Whether a candidate that is compiled may still be worth it.
QUDNN_API bool compiling_pays(std::span<const Entrant> entrants, const Outlook& outlook);

// The indices of those to be tried next, all at the same time; none where the search is over:
//   1. all that need not be compiled;
//   2. the first ones that heuristics name, of each engine, and the likeliest of known winners;
//   3. the others that heuristics name, and the other winners;
//   4. if speed matters, the kernels that they do not name, up to a number.
// The search is over before if the best is close to the floor or has left all that are compiled behind it, or
// if none of these may win. Where winners are known, 3. and 4. come only for large problems far from the
// floor.
QUDNN_API std::vector<size_t> next_lot(std::span<const Entrant> entrants, const Outlook& outlook);

}  // namespace qudnn::plan
