// A plan as bytes: what a cache folder and an exported file hold. Knows nothing of CUDA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "export.h"

namespace qudnn::plan {

// The key of a stored plan: it is valid only if all fields are equal.
struct RecordKey {
    std::string problem;  // its text
    std::string device;   // the GPU's name and size
    std::string cudnn;    // versions, "9.19.0"; cuDNN's is empty where there is none
    std::string qudnn;
    std::string engines;  // those that were asked: a new one may be faster
    uint64_t workspace_limit = 0;

    bool operator==(const RecordKey&) const = default;

    QUDNN_API std::string text() const;
};

struct Record {
    RecordKey key;
    bool tuned = false;  // the fastest of all candidates, not just the first that works
    std::string engine;
    std::string plan;        // its name, by which the engine finds it
    std::string serialized;  // what the engine makes the plan from; empty where the name suffices
    double microseconds = 0;
    std::string first_plan;  // cuDNN's first heuristic plan, for comparison; empty where there was none
    double first_microseconds = 0;
    int64_t created = 0;  // seconds since 1970

    bool operator==(const Record&) const = default;
};

// Bytes that are no record; what() says what is wrong with them.
struct BadRecord : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Anything larger is no record: plans have about 100 KB.
constexpr size_t kMostRecordBytes = size_t{64} << 20;

// What an archive may have; thousands of plans have some hundred megabytes.
constexpr size_t kMostArchiveBytes = size_t{1} << 30;
constexpr size_t kMostArchiveRecords = 1 << 16;

// Numbers are little-endian, strings follow their 32-bit length; everything is covered by a checksum.
QUDNN_API std::string encode(const Record& record);

// Reads any bytes whatsoever: throws BadRecord where they are not exactly what encode() writes, or hold what
// cannot be: names that are no text or have no end, times that are none.
QUDNN_API Record decode(std::string_view bytes);

// How files of records begin.
bool starts_as_record(std::string_view bytes);
bool starts_as_archive(std::string_view bytes);

// Several records in one file, of one key the first.
class ArchiveWriter {
  public:
    ArchiveWriter();
    void add(const Record& record);
    size_t count() const { return keys_.size(); }
    std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
    std::set<std::string> keys_;
};

struct Archive {
    std::vector<Record> records;
    std::vector<std::string> damage;  // what is wrong, one line for each record that is not there
};

// Extracts every record that is whole, whatever lies between them. Throws BadRecord if the bytes are no
// archive at all, or too large for one.
QUDNN_API Archive decode_archive(std::string_view bytes);

}  // namespace qudnn::plan
