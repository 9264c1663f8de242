// Work that is done aside, one piece after the other, in a thread of its own. Knows nothing of CUDA.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "export.h"

namespace qudnn::plan {

class QUDNN_API Aside {
  public:
    // Tells a piece of work whether it should end.
    using Stop = std::function<bool()>;
    using Work = std::function<void(const Stop& stopped)>;  // must not throw

    Aside();
    Aside(const Aside&) = delete;
    ~Aside();  // stops, and waits as long as it takes

    // The thread starts with the first work. It takes no signals: those are for the program's threads. Where
    // it cannot start, nothing is added, and this throws std::system_error.
    void add(Work work);

    // Pieces of work that wait or are being done.
    size_t pending() const;

    // Waits until none is pending, at most so long; whether none is.
    bool wait(std::chrono::milliseconds patience) const;

    // Forgets the work that waits; what is being done goes on.
    void clear();

    // Begins no more work, now or later, and tells that which is being done; waits for it to end, at most so
    // long. Returns whether it has ended.
    bool stop(std::chrono::milliseconds patience);

  private:
    struct State {
        mutable std::mutex mutex;
        mutable std::condition_variable changed;
        std::deque<Work> queue;
        bool started = false, working = false, stopped = false;
    };

    static void serve(const std::shared_ptr<State>& state);

    std::shared_ptr<State> state_;  // the thread's, too
};

// The process's; a fork's child gets one of its own. Work of the process ends before the program does: it is
// stopped as soon as main() returns or exit() is called.
QUDNN_API Aside& aside();

}  // namespace qudnn::plan
