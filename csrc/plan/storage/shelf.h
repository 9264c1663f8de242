// Plans made before: imported ones, and those of cache folders. Knows nothing of CUDA.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "export.h"
#include "plan/storage/record.h"

namespace qudnn::plan {

struct ShelfStatistics {
    uint64_t disk_hits = 0;      // a record was found and used
    uint64_t disk_writes = 0;    // files written
    uint64_t disk_rejected = 0;  // files that could not be trusted or used
};

class QUDNN_API Shelf {
  public:
    // Makes use of a record; false where it does not want it, throws where it cannot be used.
    using Use = std::function<bool(const Record& record, bool imported)>;
    using Log = std::function<void(const std::string& line)>;

    // Finds the key's record, imported or in the folder (empty: none), and uses it. What cannot be trusted
    // or used is passed over, with one line. Returns whether one was used.
    bool find(const RecordKey& key, const std::string& folder, const Use& use, const Log& log);

    // Writes the record into the folder, where there is one. A folder that cannot be written to is
    // mentioned once.
    void keep(const Record& record, const std::string& folder, const Log& log);

    // Takes an exported file's records over, and writes them into the folder, where there is one. Returns
    // how many, and how many were damaged. Throws BadRecord, std::system_error.
    std::pair<size_t, size_t> import_file(const std::string& path, const std::string& folder);

    // The records and those of the folder as an exported file, of several of a key the first, and how many.
    // Throws std::system_error.
    static std::pair<std::string, size_t> export_archive(const std::vector<Record>& records,
                                                         const std::string& folder);

    ShelfStatistics statistics() const;

    // Forgets what was imported, and the counters.
    void clear();

  private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Record> imported_;  // by their keys' texts
    std::set<std::string> unwritable_;
    ShelfStatistics statistics_;
};

}  // namespace qudnn::plan
