#include "plan/aside/aside.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>

namespace qudnn::plan {

namespace {

constexpr std::chrono::milliseconds kPatienceAtExit{10'000};

// By the system's clock: for the steady one glibc has a wait from 2.30 on only, and a wheel is for older
// ones, too.
std::chrono::system_clock::time_point deadline(std::chrono::milliseconds patience) {
    constexpr std::chrono::milliseconds kMost = std::chrono::hours(24 * 365);
    return std::chrono::system_clock::now() + std::min(patience, kMost);
}

// While it lives, threads that start take no signals.
class WithoutSignals {
  public:
    WithoutSignals() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    WithoutSignals(const WithoutSignals&) = delete;
    ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_;
};

std::atomic<Aside*> of_process{nullptr};

}  // namespace

Aside::Aside() : state_(std::make_shared<State>()) {}

Aside::~Aside() { stop(std::chrono::hours(24)); }

void Aside::serve(const std::shared_ptr<State>& state) {
    const Stop stopped = [&] {
        const std::lock_guard lock(state->mutex);
        return state->stopped;
    };
    std::unique_lock lock(state->mutex);
    for (;;) {
        state->changed.wait(lock, [&] { return state->stopped || !state->queue.empty(); });
        if (state->stopped) return;
        const Work work = std::move(state->queue.front());
        state->queue.pop_front();
        state->working = true;
        lock.unlock();
        work(stopped);
        lock.lock();
        state->working = false;
        state->changed.notify_all();
    }
}

void Aside::add(Work work) {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopped) return;
    if (!state_->started) {
        const WithoutSignals during_start;
        std::thread([state = state_] { serve(state); }).detach();
        state_->started = true;
    }
    state_->queue.push_back(std::move(work));
    state_->changed.notify_all();
}

size_t Aside::pending() const {
    const std::lock_guard lock(state_->mutex);
    return state_->queue.size() + (state_->working ? 1 : 0);
}

bool Aside::wait(std::chrono::milliseconds patience) const {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_until(lock, deadline(patience),
                                      [&] { return state_->queue.empty() && !state_->working; });
}

void Aside::clear() {
    const std::lock_guard lock(state_->mutex);
    state_->queue.clear();
    state_->changed.notify_all();
}

bool Aside::stop(std::chrono::milliseconds patience) {
    std::unique_lock lock(state_->mutex);
    state_->stopped = true;
    state_->queue.clear();
    state_->changed.notify_all();
    return state_->changed.wait_until(lock, deadline(patience), [&] { return !state_->working; });
}

Aside& aside() {
    // A fork's child has its parent's memory and none of its threads.
    [[maybe_unused]] static const int registered =
        pthread_atfork(nullptr, nullptr, [] { of_process = nullptr; });
    Aside* known = of_process.load();
    if (known == nullptr) {
        auto fresh = std::make_unique<Aside>();
        if (of_process.compare_exchange_strong(known, fresh.get())) {
            known = fresh.release();  // never destroyed: its thread may outlive main()
            // Called before CUDA's own handlers: whoever has work to do here has started CUDA.
            std::atexit([] {
                if (Aside* const last = of_process.load()) last->stop(kPatienceAtExit);
            });
        }
    }
    return *known;
}

}  // namespace qudnn::plan
