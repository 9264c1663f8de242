#include "plan/storage/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string_view>
#include <system_error>
#include <utility>

#include "plan/storage/files.h"
#include "plan/storage/sha256.h"

namespace qudnn::plan {

namespace {

namespace fs = std::filesystem;

constexpr const char* kExtension = ".plan";
constexpr size_t kNameLength = 40;  // hexadecimal digits of a plan's file
constexpr size_t kMagicLength = 8;
constexpr auto kAbandoned = std::chrono::hours(1);

// Named as path() names plans, but for the extension.
bool is_stem_of_plan(const fs::path& path) {
    const std::string name = path.stem().string();
    return name.size() == kNameLength && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_plan_name(const fs::path& path) { return path.extension() == kExtension && is_stem_of_plan(path); }

bool is_lock(const fs::path& path) { return path == lock_path(path) && is_stem_of_plan(path); }

// A file left by a process that ended while it wrote or had a lock; what is in use is younger.
void remove_abandoned(const fs::path& folder) {
    std::error_code ignored;
    const auto now = fs::file_time_type::clock::now();
    for (fs::directory_iterator at(folder, ignored), end; at != end; at.increment(ignored)) {
        if (!is_temporary(at->path()) && !is_lock(at->path())) continue;
        const auto written = fs::last_write_time(at->path(), ignored);
        if (ignored || now - written <= kAbandoned) continue;
        // The process may have ended before it wrote the first byte.
        const std::optional<std::string> start = first_bytes(at->path(), kMagicLength);
        if (start && (start->empty() || starts_as_record(*start))) fs::remove(at->path(), ignored);
    }
}

// An iterator over a folder; an empty one if there is no folder.
fs::directory_iterator entries(const fs::path& folder) {
    std::error_code error;
    fs::directory_iterator at(folder, error);
    if (error && error.value() != ENOENT && error.value() != ENOTDIR) {
        errno = error.value();
        fail(folder, "cannot read");
    }
    return at;
}

}  // namespace

std::string read_archive(const fs::path& path) {
    const File file(path, O_RDONLY);
    std::string bytes;
    while (bytes.size() <= kMostArchiveBytes) {
        // A pipe does not tell how much is to come, and a file's size may be wrong.
        constexpr size_t kPiece = size_t{1} << 20;
        const std::string piece = file.read(kPiece);
        bytes += piece;
        if (piece.size() < kPiece || !starts_as_archive(bytes)) return bytes;
    }
    return bytes;
}

fs::path Store::path(const RecordKey& key) const {
    return folder_ / (hex(sha256(key.text())).substr(0, kNameLength) + kExtension);
}

std::optional<Record> Store::read(const RecordKey& key) const {
    std::string bytes;
    try {
        bytes = read_trusted(path(key), sharing_group(folder_));
    } catch (const std::system_error& e) {
        const auto code = e.code().value();
        if (code == ENOENT || code == ENOTDIR) return std::nullopt;
        throw BadRecord(e.what());
    }
    Record record = decode(bytes);
    if (record.key != key) throw BadRecord("of another problem, GPU or version");
    return record;
}

bool Store::write(const Record& record) const {
    if (!record.tuned) {
        try {
            if (const auto present = read(record.key); present && present->tuned) return false;
        } catch (const BadRecord&) {
            // About to be replaced.
        }
    }
    make_private_folders(folder_);
    static std::atomic<bool> swept{false};
    if (!swept.exchange(true)) remove_abandoned(folder_);
    write_file(path(record.key), encode(record), sharing_group(folder_) ? 0640 : 0600);
    return true;
}

Listing Store::list(size_t most, bool with_serialized_plans) const {
    Listing listing;
    const std::optional<gid_t> group = sharing_group(folder_);
    std::error_code ignored;
    for (fs::directory_iterator at = entries(folder_), end; at != end && listing.records.size() < most;
         at.increment(ignored)) {
        if (!is_plan_name(at->path())) continue;
        try {
            Record record = decode(read_trusted(at->path(), group));
            if (path(record.key) != at->path()) throw BadRecord("of another problem, GPU or version");
            if (!with_serialized_plans) record.serialized = {};
            listing.records.push_back(std::move(record));
        } catch (const std::system_error& e) {
            if (e.code().value() == ENOENT) continue;  // deleted meanwhile
            listing.left_out.push_back({at->path(), e.code().message()});
        } catch (const BadRecord& e) {
            listing.left_out.push_back({at->path(), e.what()});
        }
    }
    return listing;
}

size_t Store::clear() const {
    size_t count = 0;
    std::error_code ignored;
    for (fs::directory_iterator at = entries(folder_), end; at != end; at.increment(ignored)) {
        if (!is_plan_name(at->path()) ||
            !starts_as_record(first_bytes(at->path(), kMagicLength).value_or("")))
            continue;
        if (::unlink(at->path().c_str()) == 0) {
            ++count;
        } else if (errno != ENOENT) {  // another process may have been faster
            fail(at->path(), "cannot delete");
        }
    }
    remove_abandoned(folder_);
    return count;
}

}  // namespace qudnn::plan
