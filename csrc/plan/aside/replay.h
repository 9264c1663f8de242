// A problem by itself, without a session: every plan of every engine, compared and timed on made-up tensors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "export.h"
#include "plan/problem/problem.h"

struct cudnnContext;

namespace qudnn::plan {

// What came of one plan, or of an engine that has none.
struct Replayed {
    std::string engine;
    std::string plan = {};     // empty where the engine has none
    std::string refusal = {};  // why it does not run; empty where it does
    uint64_t differing_bytes = 0;
    double microseconds = 0;    // 0 where it does not run, or gives other bits
    bool is_reference = false;  // what the others are compared with
};

// Replays the problem on the current GPU; its plans are neither looked up nor kept. Those of a residual
// block's convolutions, which one of its plans runs, are tuned, and kept by the process. Results are spread
// over their range, scalars are none of those that make the work easier. only: an engine's name or a plan's,
// and no others are tried; empty: all. with_unlikely: those too that no heuristics name; a plan that `only`
// names is tried in any case. The problem is one that read_shorthand() gives, whose sizes fit each other.
// Throws std::runtime_error where no engine runs it or the GPU has no room for its tensors.
QUDNN_API std::vector<Replayed> replay(const Problem& problem, cudnnContext* cudnn, const std::string& only,
                                       bool with_unlikely);

}  // namespace qudnn::plan
