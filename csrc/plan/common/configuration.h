// How a session wants its plans found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "export.h"

namespace qudnn::plan {

enum class Tune {
    full,        // the fastest of all candidates
    heuristic,   // the first that works
    cached,      // known plans only; an unknown problem is an error
    background,  // a guess, while the fastest one is looked for aside
};

struct Configuration {
    Tune tune = Tune::full;
    uint64_t workspace_limit = uint64_t{1} << 30;  // bytes of GPU memory that one run of a plan may take
    std::string cache_folder;                      // empty: nothing on disk
    // An engine's name or a plan's, to look into what it does: no others are candidates, and what is chosen
    // so is neither looked up nor kept. Empty: all.
    std::string only;
    bool explain = false;  // say of each problem why it has its plan and no other

    bool operator==(const Configuration&) const = default;
};

// The configuration that three config entries of a session give: qudnn.tune, qudnn.workspace_limit and
// qudnn.cache_dir. What is not given is as the environment has it. Throws std::invalid_argument, with the
// name and what it takes, for what cannot be; see plan/common/options.h.
QUDNN_API Configuration parse_configuration(const std::optional<std::string>& tune,
                                            const std::optional<std::string>& workspace_limit,
                                            const std::optional<std::string>& cache_folder);

// $QUDNN_CACHE_DIR, else $XDG_CACHE_HOME/qudnn, else ~/.cache/qudnn. Empty where the first is, or where
// there is no home.
QUDNN_API std::string default_cache_folder();

// One object for each configuration, for the process's life: equal ones have the same address.
const Configuration& intern(const Configuration& configuration);

// All that were interned.
std::vector<const Configuration*> all_configurations();

}  // namespace qudnn::plan
