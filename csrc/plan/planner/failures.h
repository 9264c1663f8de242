// Work that failed, so that it is not done again by every run that needs it. Knows nothing of CUDA.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "plan/common/backoff.h"

namespace qudnn::plan {

template <class Key, class Hash>
class Failures {
  public:
    // At most this many are remembered; if there are more, all are forgotten.
    explicit Failures(size_t capacity) : capacity_(capacity) {}

    // Returns work(). If it threw for this key before, throws the same error without another attempt, until
    // it is time for one; see Backoff.
    template <class Work>
    auto attempt(const Key& key, Backoff::Clock::time_point now, Work&& work) {
        if (const std::exception_ptr error = known(key, now)) std::rethrow_exception(error);
        try {
            auto result = work();
            const std::lock_guard lock(mutex_);
            failed_.erase(key);
            return result;
        } catch (...) {
            remember(key, now, std::current_exception());
            throw;
        }
    }

    void clear() {
        const std::lock_guard lock(mutex_);
        failed_.clear();
    }

  private:
    struct Failure {
        std::exception_ptr error;
        std::unique_ptr<Backoff> backoff;
    };

    std::exception_ptr known(const Key& key, Backoff::Clock::time_point now) {
        const std::lock_guard lock(mutex_);
        const auto found = failed_.find(key);
        return found == failed_.end() || found->second.backoff->claim(now) ? nullptr : found->second.error;
    }

    void remember(const Key& key, Backoff::Clock::time_point now, std::exception_ptr error) {
        const std::lock_guard lock(mutex_);
        if (failed_.size() >= capacity_ && !failed_.contains(key)) failed_.clear();
        Failure& failure = failed_[key];
        failure.error = std::move(error);
        if (failure.backoff == nullptr) failure.backoff = std::make_unique<Backoff>(now);
    }

    const size_t capacity_;
    std::mutex mutex_;
    std::unordered_map<Key, Failure, Hash> failed_;
};

}  // namespace qudnn::plan
