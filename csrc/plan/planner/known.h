// Plans that are known: the key they are kept under, and the way to a record and back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plan/common/choice.h"
#include "plan/common/configuration.h"
#include "plan/planner/planner.h"
#include "plan/problem/problem.h"
#include "plan/storage/record.h"

namespace qudnn::plan {

// A plan belongs to a problem on one GPU, found as one configuration wants it.
struct Key {
    size_t hash;  // of the rest: computed here, not while the cache is locked
    Problem problem;
    int device;
    const Configuration* configuration;  // interned

    Key(const Problem& problem, int device, const Configuration* configuration);
    bool operator==(const Key&) const = default;
};

struct KeyHash {
    size_t operator()(const Key& key) const noexcept { return key.hash; }
};

RecordKey record_key_of(const Key& key);

Record record_of(const Key& key, const Choice& choice, bool with_serialized_plan);

// The choice that a record of the problem holds. Throws where no engine makes the plan of it, or where it
// is another one than the record says.
// NOTE: its bits are not compared with the native engine's again: they were when the record was made, its
// checksum says that it is that record, and a comparison would cost each start of a process.
std::shared_ptr<const Choice> restore(const Record& record, const Problem& problem, cudnnContext* cudnn,
                                      bool imported);

// The plan of the nearest problem that is known, in the process or in the configuration's folder: see
// nearest.h. Empty where there is none.
std::string likely_plan(const Key& key, const std::vector<Listed>& of_process);

const char* source_text(Source source);

}  // namespace qudnn::plan
