#include "plan/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>

#include "plan/sha256.h"

namespace qudnn::plan {

namespace {

namespace fs = std::filesystem;

constexpr const char* kExtension = ".plan";
constexpr const char* kAside = ".aside";
constexpr size_t kNameLength = 40;  // hexadecimal digits of a plan's file
constexpr size_t kMagicLength = 8;
constexpr auto kAbandoned = std::chrono::hours(1);

[[noreturn]] void fail(const fs::path& path, const char* what) {
    throw std::system_error(errno, std::generic_category(), std::string(what) + " " + path.string());
}

class File {
  public:
    File(const fs::path& path, int flags, mode_t mode = 0)
        : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
        if (fd_ < 0) fail(path, "cannot open");
    }
    File(const File&) = delete;
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }

    struct stat status() const {
        struct stat s;
        if (::fstat(fd_, &s) != 0) fail(path_, "cannot look at");
        return s;
    }

    std::string read(size_t size) const {
        std::string bytes(size, '\0');
        size_t done = 0;
        while (done < size) {
            const ssize_t n = ::read(fd_, bytes.data() + done, size - done);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) fail(path_, "cannot read");
            if (n == 0) break;
            done += static_cast<size_t>(n);
        }
        bytes.resize(done);
        return bytes;
    }

    void write(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) fail(path_, "cannot write");
            bytes.remove_prefix(static_cast<size_t>(n));
        }
    }

    void set_mode(mode_t mode) const {
        if (::fchmod(fd_, mode) != 0) fail(path_, "cannot set the mode of");
    }

    // Some file systems report a full disk only here.
    void close() {
        const int fd = std::exchange(fd_, -1);
        if (::close(fd) != 0) fail(path_, "cannot write");
    }

  private:
    fs::path path_;
    int fd_;
};

bool is_in_group(gid_t group) {
    if (group == ::getegid()) return true;
    std::vector<gid_t> groups(static_cast<size_t>(std::max(0, ::getgroups(0, nullptr))));
    const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    return count > 0 && std::find(groups.begin(), groups.begin() + count, group) != groups.begin() + count;
}

// The group that shares the folder; no value if it belongs to one user.
std::optional<gid_t> sharing_group(const fs::path& folder) {
    struct stat status;
    if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return std::nullopt;
    constexpr mode_t kShared = S_ISGID | S_IWGRP;
    if ((status.st_mode & (kShared | S_IWOTH)) != kShared || !is_in_group(status.st_gid)) return std::nullopt;
    return status.st_gid;
}

std::string read_trusted(const fs::path& path, std::optional<gid_t> group) {
    const File file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const struct stat status = file.status();
    if (!S_ISREG(status.st_mode)) throw BadRecord("not a regular file");
    const bool is_of_group = group && status.st_gid == *group;
    if (status.st_uid != ::geteuid() && status.st_uid != 0 && !is_of_group) {
        throw BadRecord("another user's file");
    }
    if ((status.st_mode & S_IWOTH) != 0) throw BadRecord("a file that anyone may write");
    if (static_cast<uint64_t>(status.st_size) > kMostRecordBytes) throw BadRecord("too large for a plan");
    return file.read(static_cast<size_t>(status.st_size));
}

// The first bytes of a regular file; no value if they cannot be read.
std::optional<std::string> first_bytes(const fs::path& path) {
    try {
        const File file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        if (!S_ISREG(file.status().st_mode)) return std::nullopt;
        return file.read(kMagicLength);
    } catch (const std::system_error&) {
        return std::nullopt;
    }
}

// Named as path() names plans.
bool is_plan_name(const fs::path& path) {
    const std::string name = path.stem().string();
    return path.extension() == kExtension && name.size() == kNameLength &&
           name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void make_private_folders(const fs::path& folder) {
    if (folder.empty() || fs::exists(folder)) return;
    make_private_folders(folder.parent_path());
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) fail(folder, "cannot make");
}

// Other processes, also on other machines, may write at the same time: the number has to be unique.
std::string fresh_name() {
    static std::atomic<uint64_t> counter{0};
    static const uint64_t random = uint64_t{std::random_device{}()} << 32 | std::random_device{}();
    std::string name = ".";  // appended to: GCC 12 warns of operator+ without a reason
    name.append(std::to_string(::getpid())).append("-").append(std::to_string(random));
    return name.append("-").append(std::to_string(counter++)).append(kAside);
}

// Named as fresh_name() names files: .PROCESS-RANDOM-COUNT.aside
bool is_fresh_name(const fs::path& path) {
    const std::string name = path.stem().string();
    return path.extension() == kAside && name.starts_with('.') &&
           name.find_first_not_of("0123456789-", 1) == std::string::npos &&
           std::count(name.begin(), name.end(), '-') == 2;
}

// A file left by a process that ended while it wrote; files that are being written are younger.
void remove_abandoned(const fs::path& folder) {
    std::error_code ignored;
    const auto now = fs::file_time_type::clock::now();
    for (fs::directory_iterator at(folder, ignored), end; at != end; at.increment(ignored)) {
        if (!is_fresh_name(at->path())) continue;
        const auto written = fs::last_write_time(at->path(), ignored);
        if (ignored || now - written <= kAbandoned) continue;
        // The process may have ended before it wrote the first byte.
        const std::optional<std::string> start = first_bytes(at->path());
        if (start && (start->empty() || starts_as_record(*start))) fs::remove(at->path(), ignored);
    }
}

// Writes a temporary file, then renames it.
void write_file(const fs::path& path, std::string_view bytes, mode_t mode) {
    const fs::path aside = path.parent_path() / fresh_name();
    try {
        File file(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        file.set_mode(mode);  // whatever the process's umask is
        file.write(bytes);
        file.close();
        if (::rename(aside.c_str(), path.c_str()) != 0) fail(path, "cannot write");
    } catch (...) {
        ::unlink(aside.c_str());
        throw;
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
        if (!is_plan_name(at->path()) || !starts_as_record(first_bytes(at->path()).value_or(""))) continue;
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
