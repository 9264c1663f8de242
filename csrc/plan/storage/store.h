// A folder of plans, one file each, shared by any number of processes. Knows nothing of CUDA.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "export.h"
#include "plan/storage/record.h"

namespace qudnn::plan {

// A file that is no plan for this user.
struct LeftOut {
    std::filesystem::path path;
    std::string reason;
};

// What a folder holds.
struct Listing {
    std::vector<Record> records;
    std::vector<LeftOut> left_out;
};

// A plan is code: one is read only if this user or the administrator has written its file. A folder that
// belongs to a group of this user's, that its members may write to and that gives its group to new files
// (mode 2770) is shared: there, a file of any member is read.
class QUDNN_API Store {
  public:
    // The folder need not exist; the first write makes it, for the user alone.
    explicit Store(std::filesystem::path folder) : folder_(std::move(folder)) {}

    // The record of the key; nothing where there is no file. Throws BadRecord where there is one that cannot
    // be trusted: not a file of this user's, damaged, of another version or of another key.
    std::optional<Record> read(const RecordKey& key) const;

    // Puts the record in the place of what is there, whole or not at all. A tuned one is not replaced by
    // one that is not. Returns whether it was written; throws std::system_error where that fails.
    bool write(const Record& record) const;

    // The records of the folder, at most so many, and what else has a plan's name. Throws std::system_error
    // where there is a folder that cannot be read.
    Listing list(size_t most = SIZE_MAX, bool with_serialized_plans = true) const;

    // Removes the files of plans, by name and first bytes, and what was abandoned half-written; how many
    // plans. Throws std::system_error.
    size_t clear() const;

    std::filesystem::path path(const RecordKey& key) const;
    const std::filesystem::path& folder() const { return folder_; }

  private:
    std::filesystem::path folder_;
};

// The whole of an exported file, of a pipe too. Throws std::system_error where it cannot be read, BadRecord
// where it is none or too large.
std::string read_archive(const std::filesystem::path& path);

}  // namespace qudnn::plan
