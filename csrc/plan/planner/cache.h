// A bounded map from keys to values that are slow to build. Thread-safe; a value is built once however
// many threads miss it at the same time, and the least recently used one makes room for a new one.
#pragma once

#include <cstdint>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace qudnn::plan {

struct CacheStatistics {
    uint64_t hits = 0;       // found, or waited for another thread's build
    uint64_t misses = 0;     // had to be built
    uint64_t builds = 0;     // of these, succeeded
    uint64_t evictions = 0;  // made room for others
    uint64_t entries = 0;    // now in the cache
};

template <class Key, class Value, class Hash>
class Cache {
  public:
    using Pointer = std::shared_ptr<Value>;

    explicit Cache(size_t capacity) : capacity_(capacity) {}

    // The value of the key; if there is none, build() makes it, outside the lock. An exception of build()
    // reaches every thread that waits for the value, and nothing is cached.
    template <class Build>
    Pointer get(const Key& key, Build&& build) {
        std::optional<std::promise<Pointer>> promise;  // made on a miss only: it allocates
        std::shared_future<Pointer> building;
        uint64_t ticket = 0;
        {
            const std::lock_guard lock(mutex_);
            if (const auto found = index_.find(key); found != index_.end()) {
                ++statistics_.hits;
                recent_.splice(recent_.begin(), recent_, found->second);
                if (found->second->value) return found->second->value;
                building = found->second->building;
            } else {
                ++statistics_.misses;
                ticket = ++last_ticket_;
                recent_.push_front({key, nullptr, promise.emplace().get_future().share(), ticket});
                index_.emplace(key, recent_.begin());
            }
        }
        if (building.valid()) return building.get();
        return build_and_keep(key, ticket, std::forward<Build>(build), *promise);
    }

    // What is in the cache and built; null where there is none. Counts as no use.
    Pointer peek(const Key& key) const {
        const std::lock_guard lock(mutex_);
        const auto found = index_.find(key);
        return found != index_.end() ? found->second->value : nullptr;
    }

    // Forgets everything, also values being built and counters; callers that use or wait for a value keep it.
    void clear() {
        const std::lock_guard lock(mutex_);
        index_.clear();
        recent_.clear();
        statistics_ = {};
    }

    CacheStatistics statistics() const {
        const std::lock_guard lock(mutex_);
        CacheStatistics now = statistics_;
        now.entries = recent_.size();
        return now;
    }

    // What is in the cache and built, most recently used first.
    std::vector<std::pair<Key, Pointer>> list() const {
        const std::lock_guard lock(mutex_);
        std::vector<std::pair<Key, Pointer>> entries;
        for (const Entry& entry : recent_) {
            if (entry.value) entries.emplace_back(entry.key, entry.value);
        }
        return entries;
    }

  private:
    struct Entry {
        Key key;
        Pointer value;  // null while it is built
        std::shared_future<Pointer> building;
        uint64_t ticket;  // tells a build whether the entry is still its own after a clear()
    };
    using Position = typename std::list<Entry>::iterator;

    template <class Build>
    Pointer build_and_keep(const Key& key, uint64_t ticket, Build&& build, std::promise<Pointer>& promise) {
        try {
            Pointer value = build();
            {
                const std::lock_guard lock(mutex_);
                if (const auto own = find_own(key, ticket); own != recent_.end()) {
                    ++statistics_.builds;
                    own->value = value;
                    own->building = {};
                }
                evict();
            }
            promise.set_value(value);
            return value;
        } catch (...) {
            {
                const std::lock_guard lock(mutex_);
                if (const auto own = find_own(key, ticket); own != recent_.end()) {
                    index_.erase(key);
                    recent_.erase(own);
                }
            }
            promise.set_exception(std::current_exception());
            throw;
        }
    }

    Position find_own(const Key& key, uint64_t ticket) {
        const auto found = index_.find(key);
        return found != index_.end() && found->second->ticket == ticket ? found->second : recent_.end();
    }

    void evict() {
        auto oldest = recent_.end();
        while (recent_.size() > capacity_ && oldest != recent_.begin()) {
            --oldest;
            if (!oldest->value) continue;  // being built: someone waits for it
            index_.erase(oldest->key);
            oldest = recent_.erase(oldest);
            ++statistics_.evictions;
        }
    }

    const size_t capacity_;
    mutable std::mutex mutex_;
    std::list<Entry> recent_;  // most recently used first
    std::unordered_map<Key, Position, Hash> index_;
    CacheStatistics statistics_;
    uint64_t last_ticket_ = 0;
};

}  // namespace qudnn::plan
