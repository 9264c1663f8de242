// The stored form of plans, for tests without a GPU: records are dicts, and the engine is a Python function.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "plan/cache.h"
#include "plan/configuration.h"
#include "plan/exploration.h"
#include "plan/race.h"
#include "plan/shelf.h"
#include "plan/split.h"
#include "plan/store.h"
#include "plan/turn.h"
#include "python/record_dict.h"
#include "python/testing.h"

namespace py = pybind11;

namespace qudnn {

namespace {

using plan::Record;
using plan::RecordKey;

RecordKey key_from(const py::dict& d) {
    RecordKey key;
    key.problem = d["problem"].cast<std::string>();
    key.device = d["device"].cast<std::string>();
    key.cudnn = d["cudnn"].cast<std::string>();
    key.qudnn = d["qudnn"].cast<std::string>();
    key.engines = d["engines"].cast<std::string>();
    key.workspace_limit = d["workspace_limit"].cast<uint64_t>();
    return key;
}

Record record_from(const py::dict& d) {
    Record r;
    r.key = key_from(d);
    r.tuned = d["tuned"].cast<bool>();
    r.engine = d["engine"].cast<std::string>();
    r.plan = d["plan"].cast<std::string>();
    r.serialized = d["serialized"].cast<py::bytes>();
    r.microseconds = d["microseconds"].cast<double>();
    r.first_plan = d["first_plan"].cast<std::string>();
    r.first_microseconds = d["first_microseconds"].cast<double>();
    r.created = d["created"].cast<int64_t>();
    return r;
}

py::dict to_dict(const Record& r) {
    py::dict d = public_fields(r);
    d["engines"] = r.key.engines;
    d["tuned"] = r.tuned;
    d["serialized"] = py::bytes(r.serialized);
    d["created"] = r.created;
    return d;
}

py::list to_dicts(const std::vector<Record>& records) {
    py::list all;
    for (const Record& record : records) all.append(to_dict(record));
    return all;
}

// The planner's way from a key to a plan, in which Python makes the records that cuDNN would.
class StoredCache {
  public:
    StoredCache(size_t capacity, std::string folder, double patience)
        : cache_(capacity),
          folder_(std::move(folder)),
          patience_(std::chrono::duration_cast<std::chrono::milliseconds>(
              std::chrono::duration<double>(patience))) {}

    py::dict get(const py::dict& key_fields, const std::function<py::dict()>& build) {
        const RecordKey key = key_from(key_fields);
        std::shared_ptr<const Record> record;
        {
            const py::gil_scoped_release waiting;
            record = cache_.get(key.text(), [&] { return find_or_make(key, build); });
        }
        return to_dict(*record);
    }

    void clear() {
        cache_.clear();
        shelf_.clear();
    }

    std::pair<size_t, size_t> import_file(const std::string& path) {
        return shelf_.import_file(path, folder_);
    }

    py::dict statistics() const {
        const plan::CacheStatistics c = cache_.statistics();
        const plan::ShelfStatistics s = shelf_.statistics();
        py::dict d;
        d["hits"] = c.hits;
        d["misses"] = c.misses;
        d["evictions"] = c.evictions;
        d["entries"] = c.entries;
        d["disk_hits"] = s.disk_hits;
        d["disk_writes"] = s.disk_writes;
        d["disk_rejected"] = s.disk_rejected;
        return d;
    }

    std::vector<std::string> log() const {
        const std::lock_guard lock(mutex_);
        return log_;
    }

  private:
    std::shared_ptr<const Record> find_or_make(const RecordKey& key, const std::function<py::dict()>& build) {
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
        std::shared_ptr<const Record> made;
        {
            const py::gil_scoped_acquire calling;
            try {
                made = std::make_shared<const Record>(record_from(build()));
            } catch (const py::error_already_set& e) {
                // Several threads may get it; pybind11's exception goes to one only.
                throw std::runtime_error(e.what());
            }
        }
        shelf_.keep(*made, folder_, log);
        return made;
    }

    plan::Cache<std::string, Record, std::hash<std::string>> cache_;
    plan::Shelf shelf_;
    std::string folder_;
    std::chrono::milliseconds patience_;
    mutable std::mutex mutex_;
    std::vector<std::string> log_;
};

std::vector<py::tuple> split(const plan::Problem& problem, int64_t most) {
    std::vector<py::tuple> slices;
    for (const plan::Slice& s : plan::split(problem, most)) {
        slices.push_back(py::make_tuple(s.problem, s.x_offset, s.y_offset));
    }
    return slices;
}

py::dict parse_configuration(const std::optional<std::string>& tune,
                             const std::optional<std::string>& workspace_limit,
                             const std::optional<std::string>& cache_dir) {
    const plan::Configuration c = plan::parse_configuration(tune, workspace_limit, cache_dir);
    py::dict d;
    d["tune"] = static_cast<int>(c.tune);
    d["workspace_limit"] = c.workspace_limit;
    d["cache_dir"] = c.cache_folder;
    return d;
}

}  // namespace

void define_store_testing(py::module_& module) {
    py::register_exception<plan::BadRecord>(module, "BadRecord", PyExc_ValueError);
    module.def(
        "encode", [](const py::dict& record) { return py::bytes(plan::encode(record_from(record))); },
        py::arg("record"), "A record as the bytes of its file.");
    module.def(
        "decode", [](const py::bytes& bytes) { return to_dict(plan::decode(std::string_view(bytes))); },
        py::arg("bytes"), "The inverse of encode(); raises BadRecord for any other bytes.");
    module.def("split", &split, py::arg("problem"), py::arg("most"),
               "(problem, x offset, y offset) of every slice with tensors of at most that many bytes.");
    module.def("too_large", &plan::too_large, py::arg("problem"), py::arg("most"));
    module.def(
        "race",
        [](size_t count, const std::function<std::vector<double>(std::vector<size_t>)>& round) {
            return plan::race(count, [&](std::span<const size_t> runners) {
                return round(std::vector<size_t>(runners.begin(), runners.end()));
            });
        },
        py::arg("count"), py::arg("round"), "The medians of a race, of which round() gives the times.");
    py::class_<plan::Exploration>(module, "Exploration", "Which kernels that nobody named the tuner tries.")
        .def(py::init())
        .def("worth", &plan::Exploration::worth, py::arg("kernel"), py::arg("problem"))
        .def("learn", &plan::Exploration::learn, py::arg("kernel"), py::arg("problem"))
        .def("spend", &plan::Exploration::spend, py::arg("seconds"));
    module.def("parse_configuration", &parse_configuration, py::arg("tune") = py::none(),
               py::arg("workspace_limit") = py::none(), py::arg("cache_dir") = py::none());

    py::class_<plan::Store>(module, "Store", "A cache folder; records and keys are dicts.")
        .def(py::init([](const std::string& folder) { return plan::Store(folder); }), py::arg("folder"))
        .def("read",
             [](const plan::Store& store, const py::dict& key) -> std::optional<py::dict> {
                 const auto record = store.read(key_from(key));
                 return record ? std::optional(to_dict(*record)) : std::nullopt;
             })
        .def("write",
             [](const plan::Store& store, const py::dict& fields) {
                 const Record record = record_from(fields);
                 const py::gil_scoped_release writing;
                 return store.write(record);
             })
        .def("list", [](const plan::Store& store) { return to_dicts(store.list().records); })
        .def("left_out",
             [](const plan::Store& store) {
                 std::vector<std::pair<std::string, std::string>> files;
                 for (const auto& [path, reason] : store.list().left_out) {
                     files.emplace_back(path.filename().string(), reason);
                 }
                 return files;
             })
        .def("clear", &plan::Store::clear)
        .def("path", [](const plan::Store& store, const py::dict& key) {
            return store.path(key_from(key)).string();
        });

    py::class_<StoredCache>(module, "StoredCache", "The plan cache over a folder, with an engine in Python.")
        .def(py::init<size_t, std::string, double>(), py::arg("capacity"), py::arg("folder"),
             py::arg("patience") = 1e-3 * static_cast<double>(plan::kPatience.count()))
        .def("get", &StoredCache::get, py::arg("key"), py::arg("build"))
        .def("import_file", &StoredCache::import_file, py::arg("path"))
        .def("clear", &StoredCache::clear)
        .def("statistics", &StoredCache::statistics)
        .def("log", &StoredCache::log);
}

}  // namespace qudnn
