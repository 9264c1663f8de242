// The stored form of plans, for tests without a GPU: records are objects of JSON, and the engine is Python's.
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plan/common/configuration.h"
#include "plan/planner/cache.h"
#include "plan/problem/split.h"
#include "plan/storage/shelf.h"
#include "plan/storage/store.h"
#include "plan/storage/turn.h"
#include "plan/tuning/race.h"
#include "testing/hooks.h"
#include "testing/problems.h"

namespace qudnn::testing {

namespace {

using plan::Record;
using plan::RecordKey;

RecordKey key_from(const Value& d) {
    RecordKey key;
    key.problem = d["problem"].text();
    key.device = d["device"].text();
    key.cudnn = d["cudnn"].text();
    key.qudnn = d["qudnn"].text();
    key.engines = d["engines"].text();
    key.workspace_limit = static_cast<uint64_t>(d["workspace_limit"].integer());
    return key;
}

Record record_from(const Value& d) {
    Record r;
    r.key = key_from(d);
    r.tuned = d["tuned"].flag();
    r.engine = d["engine"].text();
    r.plan = d["plan"].text();
    r.serialized = d["serialized"].bytes();
    r.microseconds = d["microseconds"].real();
    r.first_plan = d["first_plan"].text();
    r.first_microseconds = d["first_microseconds"].real();
    r.created = d["created"].integer();
    return r;
}

std::string record_json(const Record& r) {
    return json::object({
        {"problem", json::of(r.key.problem)},
        {"device", json::of(r.key.device)},
        {"cudnn", json::of(r.key.cudnn)},
        {"qudnn", json::of(r.key.qudnn)},
        {"engines", json::of(r.key.engines)},
        {"workspace_limit", json::of(r.key.workspace_limit)},
        {"tuned", json::of(r.tuned)},
        {"engine", json::of(r.engine)},
        {"plan", json::of(r.plan)},
        {"serialized", json::of(hexadecimal(r.serialized))},
        {"microseconds", json::of(r.microseconds)},
        {"first_plan", json::of(r.first_plan)},
        {"first_microseconds", json::of(r.first_microseconds)},
        {"created", json::of(r.created)},
    });
}

// The planner's way from a key to a plan, in which Python makes the records that cuDNN would.
class StoredCache {
  public:
    StoredCache(size_t capacity, std::string folder, double patience)
        : cache_(capacity),
          folder_(std::move(folder)),
          patience_(std::chrono::duration_cast<std::chrono::milliseconds>(
              std::chrono::duration<double>(patience))) {}

    std::string get(const RecordKey& key, const Call& call) {
        return record_json(*cache_.get(key.text(), [&] { return find_or_make(key, call); }));
    }

    void clear() {
        cache_.clear();
        shelf_.clear();
    }

    std::pair<size_t, size_t> import_file(const std::string& path) {
        return shelf_.import_file(path, folder_);
    }

    std::string statistics() const {
        const plan::CacheStatistics c = cache_.statistics();
        const plan::ShelfStatistics s = shelf_.statistics();
        return json::object({{"hits", json::of(c.hits)},
                             {"misses", json::of(c.misses)},
                             {"evictions", json::of(c.evictions)},
                             {"entries", json::of(c.entries)},
                             {"disk_hits", json::of(s.disk_hits)},
                             {"disk_writes", json::of(s.disk_writes)},
                             {"disk_rejected", json::of(s.disk_rejected)}});
    }

    std::vector<std::string> log() const {
        const std::lock_guard lock(mutex_);
        return log_;
    }

  private:
    std::shared_ptr<const Record> find_or_make(const RecordKey& key, const Call& call) {
        const auto log = [this](const std::string& line) {
            const std::lock_guard lock(mutex_);
            log_.push_back(line);
        };
        std::shared_ptr<const Record> found;
        const auto use = [&](const Record& record, bool) {
            found = std::make_shared<const Record>(record);
            return true;
        };
        plan::Turn turn(folder_.empty() ? std::filesystem::path() : plan::Store(folder_).path(key));
        if (shelf_.find(key, folder_, use, log)) return found;
        if (turn.take(patience_) && shelf_.find(key, folder_, use, log)) return found;
        const auto made = std::make_shared<const Record>(record_from(call.back()));
        shelf_.keep(*made, folder_, log);
        return made;
    }

    plan::Cache<std::string, const Record, std::hash<std::string>> cache_;
    plan::Shelf shelf_;
    std::string folder_;
    std::chrono::milliseconds patience_;
    mutable std::mutex mutex_;
    std::vector<std::string> log_;
};

std::string split(const Call& call) {
    std::vector<std::string> slices;
    for (const plan::Slice& s : plan::split(problem_of(call[0]), call[1].integer()))
        slices.push_back(json::list({json_of(s.problem), json::of(s.x_offset), json::of(s.y_offset)}));
    return json::list(slices);
}

// The medians of a race whose times Python gives.
std::string race(const Call& call) {
    const auto round = [&](std::span<const size_t> runners) {
        const Value answer = call.back(json::of(runners));
        std::vector<double> times;
        for (const Value& each : answer.list()) times.push_back(each.real());
        return times;
    };
    return json::of(plan::race(static_cast<size_t>(call[0].integer()), round, call[1].flag()));
}

std::string parse_configuration(const Call& call) {
    const auto given = [&](size_t index) {
        return call[index].null() ? std::nullopt : std::optional(call[index].text());
    };
    const plan::Configuration c = plan::parse_configuration(given(0), given(1), given(2));
    return json::object({{"tune", json::of(static_cast<int>(c.tune))},
                         {"workspace_limit", json::of(c.workspace_limit)},
                         {"cache_dir", json::of(c.cache_folder)}});
}

void add_folder_hooks(Hooks& hooks) {
    hooks["Store"] = [](const Call& call) {
        return objects().add(std::make_shared<plan::Store>(call[0].text()));
    };
    hooks["Store.read"] = [](const Call& call) {
        const auto record = call.object<plan::Store>()->read(key_from(call[1]));
        return record ? record_json(*record) : nothing();
    };
    hooks["Store.write"] = [](const Call& call) {
        return json::of(call.object<plan::Store>()->write(record_from(call[1])));
    };
    hooks["Store.list"] = [](const Call& call) {
        std::vector<std::string> all;
        for (const Record& record : call.object<plan::Store>()->list().records)
            all.push_back(record_json(record));
        return json::list(all);
    };
    hooks["Store.left_out"] = [](const Call& call) {
        std::vector<std::string> files;
        for (const auto& [path, reason] : call.object<plan::Store>()->list().left_out)
            files.push_back(json::list_of(path.filename().native(), reason));
        return json::list(files);
    };
    hooks["Store.clear"] = [](const Call& call) { return json::of(call.object<plan::Store>()->clear()); };
    hooks["Store.path"] = [](const Call& call) {
        return json::of(call.object<plan::Store>()->path(key_from(call[1])).native());
    };
}

void add_stored_cache_hooks(Hooks& hooks) {
    hooks["StoredCache"] = [](const Call& call) {
        const double patience =
            call[2].null() ? 1e-3 * static_cast<double>(plan::kPatience.count()) : call[2].real();
        return objects().add(
            std::make_shared<StoredCache>(static_cast<size_t>(call[0].integer()), call[1].text(), patience));
    };
    hooks["StoredCache.get"] = [](const Call& call) {
        return call.object<StoredCache>()->get(key_from(call[1]), call);
    };
    hooks["StoredCache.import_file"] = [](const Call& call) {
        const auto [count, damaged] = call.object<StoredCache>()->import_file(call[1].text());
        return json::list_of(count, damaged);
    };
    hooks["StoredCache.clear"] = [](const Call& call) {
        call.object<StoredCache>()->clear();
        return nothing();
    };
    hooks["StoredCache.statistics"] = [](const Call& call) {
        return call.object<StoredCache>()->statistics();
    };
    hooks["StoredCache.log"] = [](const Call& call) { return json::of(call.object<StoredCache>()->log()); };
}

}  // namespace

void add_store_hooks(Hooks& hooks) {
    hooks["encode"] = [](const Call& call) {
        return json::of(hexadecimal(plan::encode(record_from(call[0]))));
    };
    hooks["decode"] = [](const Call& call) { return record_json(plan::decode(call[0].bytes())); };
    hooks["split"] = &split;
    hooks["too_large"] = [](const Call& call) {
        return json::of(plan::too_large(problem_of(call[0]), call[1].integer()));
    };
    hooks["race"] = &race;
    hooks["parse_configuration"] = &parse_configuration;
    add_folder_hooks(hooks);
    add_stored_cache_hooks(hooks);
}

}  // namespace qudnn::testing
