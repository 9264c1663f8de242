#include "plan/storage/shelf.h"

#include <optional>

#include "plan/storage/store.h"

namespace qudnn::plan {

bool Shelf::find(const RecordKey& key, const std::string& folder, const Use& use, const Log& log) {
    const auto attempt = [&](const std::string& name, bool imported, auto&& get) {
        try {
            const std::optional<Record> record = get();
            if (!record || !use(*record, imported)) return false;
            const std::lock_guard lock(mutex_);
            ++statistics_.disk_hits;
            return true;
        } catch (const std::exception& e) {
            log(name + " is ignored: " + e.what());
            const std::lock_guard lock(mutex_);
            ++statistics_.disk_rejected;
            return false;
        }
    };
    const auto imported = [&]() -> std::optional<Record> {
        const std::lock_guard lock(mutex_);
        const auto found = imported_.find(key.text());
        return found != imported_.end() ? std::optional(found->second) : std::nullopt;
    };
    if (attempt("an imported plan", true, imported)) return true;
    if (folder.empty()) return false;
    const Store store(folder);
    return attempt(store.path(key).string(), false, [&] { return store.read(key); });
}

void Shelf::keep(const Record& record, const std::string& folder, const Log& log) {
    if (folder.empty()) return;
    try {
        if (!Store(folder).write(record)) return;
        const std::lock_guard lock(mutex_);
        ++statistics_.disk_writes;
    } catch (const std::exception& e) {
        {
            const std::lock_guard lock(mutex_);
            if (!unwritable_.insert(folder).second) return;
        }
        log(std::string("plans are not kept on disk: ") + e.what());
    }
}

std::pair<size_t, size_t> Shelf::import_file(const std::string& path, const std::string& folder) {
    const Archive archive = decode_archive(read_archive(path));
    for (const Record& record : archive.records) {
        const bool written = !folder.empty() && Store(folder).write(record);
        const std::lock_guard lock(mutex_);
        if (written) ++statistics_.disk_writes;
        const auto [place, is_new] = imported_.try_emplace(record.key.text(), record);
        if (!is_new && (record.tuned || !place->second.tuned)) place->second = record;
    }
    return {archive.records.size(), archive.damage.size()};
}

std::pair<std::string, size_t> Shelf::export_archive(const std::vector<Record>& records,
                                                     const std::string& folder) {
    ArchiveWriter archive;
    for (const Record& record : records) archive.add(record);
    if (!folder.empty()) {
        for (const Record& record : Store(folder).list().records) archive.add(record);
    }
    return {archive.take(), archive.count()};
}

ShelfStatistics Shelf::statistics() const {
    const std::lock_guard lock(mutex_);
    return statistics_;
}

void Shelf::clear() {
    const std::lock_guard lock(mutex_);
    imported_.clear();
    unwritable_.clear();
    statistics_ = {};
}

}  // namespace qudnn::plan
