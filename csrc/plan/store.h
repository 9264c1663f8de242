// A folder of plans, one file each, shared by any number of processes. Knows nothing of CUDA.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "export.h"
#include "plan/record.h"

namespace qudnn::plan {

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

    // Every record that can be trusted, at most so many.
    std::vector<Record> list(size_t most = SIZE_MAX) const;

    std::filesystem::path path(const RecordKey& key) const;
    const std::filesystem::path& folder() const { return folder_; }

  private:
    std::filesystem::path folder_;
};

// The whole of a regular file. Throws std::system_error where it cannot be read.
QUDNN_API std::string read_file(const std::filesystem::path& path);

// Writes a file aside, for the user alone, then puts it in its place. Throws std::system_error.
QUDNN_API void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace qudnn::plan
