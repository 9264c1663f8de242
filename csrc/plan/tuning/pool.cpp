#include "plan/tuning/pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <latch>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace qudnn::plan {

namespace {

constexpr size_t kMostThreads = 16;

class Worker {
  public:
    Worker() {
        std::thread([this] { serve(); }).detach();
    }

    void add(std::function<void()> work) {
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back(std::move(work));
        }
        waiting_.notify_one();
    }

  private:
    [[noreturn]] void serve() {
        for (;;) {
            std::function<void()> work;
            {
                std::unique_lock lock(mutex_);
                waiting_.wait(lock, [this] { return !queue_.empty(); });
                work = std::move(queue_.front());
                queue_.pop_front();
            }
            work();
        }
    }

    std::mutex mutex_;
    std::condition_variable waiting_;
    std::deque<std::function<void()>> queue_;
};

class Pool {
  public:
    Worker& worker(const std::string& affinity) {
        const std::lock_guard lock(mutex_);
        // Round robin, so that the few affinities spread over all threads.
        const auto [found, is_new] = places_.try_emplace(affinity, places_.size() % size_);
        const size_t place = found->second;
        while (workers_.size() <= place) workers_.push_back(new Worker);
        return *workers_[place];
    }

  private:
    const size_t size_ = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
    std::mutex mutex_;
    std::unordered_map<std::string, size_t> places_;
    std::vector<Worker*> workers_;
};

// NOTE: never destroyed; its threads still sleep when the process ends.
std::atomic<Pool*> of_process{nullptr};

Pool& pool() {
    // A fork's child has its parent's memory and none of its threads: it gets a pool of its own.
    [[maybe_unused]] static const int registered =
        pthread_atfork(nullptr, nullptr, [] { of_process = nullptr; });
    Pool* known = of_process.load();
    if (known == nullptr) {
        auto fresh = std::make_unique<Pool>();
        if (of_process.compare_exchange_strong(known, fresh.get())) known = fresh.release();
    }
    return *known;
}

}  // namespace

void run_on_pool(std::vector<Task> tasks) {
    Pool& threads = pool();
    std::vector<Worker*> workers;  // all of them before the first task, because a thread may fail to start
    workers.reserve(tasks.size());
    for (const Task& task : tasks) workers.push_back(&threads.worker(task.affinity));
    // Shared, because the last worker may still be in it when this function returns.
    const auto left = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(tasks.size()));
    for (size_t i = 0; i < tasks.size(); ++i) {
        workers[i]->add([work = std::move(tasks[i].work), left] {
            work();
            left->count_down();
        });
    }
    left->wait();
}

}  // namespace qudnn::plan
