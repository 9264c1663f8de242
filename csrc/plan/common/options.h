// What a session says of its plans, as text.
#pragma once

#include <optional>
#include <string>

#include "plan/common/configuration.h"

namespace qudnn::plan {

// A value and the name by which messages call it.
struct Option {
    std::string name;
    std::string text;
};

struct Options {
    std::optional<Option> tune, workspace_limit, cache_dir;
};

// The configuration of these options and of $QUDNN_ONLY and $QUDNN_EXPLAIN. What the options leave out is as
// $QUDNN_TUNE, $QUDNN_WORKSPACE_LIMIT and default_cache_folder() have it, else the default; an empty variable
// counts as none for the first two. Throws std::invalid_argument, with the name of the option or the variable
// and what it takes, for any other text.
Configuration parse_configuration(const Options& options);

}  // namespace qudnn::plan
