// Processes that share a folder of plans take turns to make the plan of a problem. Knows nothing of CUDA.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "export.h"
#include "plan/storage/files.h"

namespace qudnn::plan {

// How long a process waits for another one's plan. A problem is tuned within seconds: what takes longer is
// stopped, or stuck.
constexpr std::chrono::milliseconds kPatience{30'000};

// A process's turn to make the plan that a file will hold. The turn is a lock on a file beside that one; the
// system takes it back when the process ends, however it ends. Where there can be no lock, because the folder
// cannot be written to or its file system has none, everybody has the turn.
class QUDNN_API Turn {
  public:
    // Construct it before the plan's file is read: what take() returns is about what was written since then.
    // An empty path is that of no file.
    explicit Turn(std::filesystem::path plan);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();

    // Waits until no other process has the turn, at most so long. Returns whether the plan's file has been
    // written since construction: then it may be the plan that was to be made.
    bool take(std::chrono::milliseconds patience);

    // Whether another process still had the turn when take() ended.
    bool is_others() const { return is_others_; }

  private:
    struct stat status() const;
    std::unique_ptr<File> try_take() const;

    std::filesystem::path plan_;
    std::filesystem::path lock_;
    struct stat at_first_;
    std::unique_ptr<File> held_;
    bool is_others_ = false;
};

}  // namespace qudnn::plan
