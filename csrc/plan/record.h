// A plan as bytes: what a cache folder and an exported file hold. Knows nothing of CUDA.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "export.h"

namespace qudnn::plan {

// Under what a stored plan is valid: all of it has to be equal.
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

// Bytes are no record; what() says what is wrong with them.
struct BadRecord : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Numbers are little-endian, strings follow their 32-bit length; everything is covered by a checksum.
QUDNN_API std::string encode(const Record& record);

// Reads any bytes whatsoever: throws BadRecord where they are not exactly what encode() writes.
QUDNN_API Record decode(std::string_view bytes);

// Several records in one file. Those that are damaged do not spoil the others.
QUDNN_API std::string encode_archive(const std::vector<Record>& records);

struct Archive {
    std::vector<Record> records;
    std::vector<std::string> damage;  // what is wrong, one line for each record that is not there
};

// Throws BadRecord where the bytes are no archive at all.
QUDNN_API Archive decode_archive(std::string_view bytes);

}  // namespace qudnn::plan
