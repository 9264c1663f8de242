// Where a problem's plan comes from at its first run.
#pragma once

#include <filesystem>
#include <memory>

#include "plan/common/choice.h"
#include "plan/common/configuration.h"
#include "plan/common/host.h"
#include "plan/planner/known.h"
#include "plan/storage/record.h"
#include "plan/tuning/tuner.h"

namespace qudnn::plan {

// The plan of another session, the one that lies on the shelf, or a new one, which is kept there. Throws
// where the configuration or a capture forbids what it takes, and what the tuner throws.
std::shared_ptr<const Choice> find_or_make(const Key& key, const Arguments& arguments, const Host& host);

// A plan that was made for another session's configuration and suits this one, too.
std::shared_ptr<const Choice> of_other_configuration(const Key& key, bool tuned_only);

// The plan that lies on the shelf, run once; null where there is none that can be used.
std::shared_ptr<const Choice> find_on_shelf(const Key& key, const RecordKey& record_key, bool tuned_only,
                                            const Arguments& arguments, const Host& host);

// The file over which processes take turns. A guess is made faster than another process's tuning ends; what
// is not kept is no use to others.
std::filesystem::path shared_file(const Key& key, const RecordKey& record_key, const Host& host);

// Stores the choice on disk, if there is a folder and the choice is worth it.
void keep(const Key& key, const Choice& choice, const Host& host);

// What the host's session asks for; of who tunes aside all at once, for nothing is put off twice.
Tune tune_of(const Host& host);
Thoroughness thoroughness(Tune tune);

}  // namespace qudnn::plan
