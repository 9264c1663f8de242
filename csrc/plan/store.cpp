#include "plan/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
constexpr off_t kMaxRecord = 64 << 20;  // what is larger is none: plans have about 100 KB
constexpr auto kAbandoned = std::chrono::hours(1);

[[noreturn]] void fail(const fs::path& path, const char* what) {
    throw std::system_error(errno, std::generic_category(), std::string(what) + " " + path.string());
}

class File {
  public:
    File(const fs::path& path, int flags) : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
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

    // Some file systems tell of a full disk here first.
    void close() {
        const int fd = std::exchange(fd_, -1);
        if (::close(fd) != 0) fail(path_, "cannot write");
    }

  private:
    fs::path path_;
    int fd_;
};

// A plan holds code for the GPU: only what this user or the administrator has written is trusted.
std::string read_trusted(const fs::path& path) {
    const File file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const struct stat status = file.status();
    if (!S_ISREG(status.st_mode)) throw BadRecord("not a regular file");
    if (status.st_uid != ::geteuid() && status.st_uid != 0) throw BadRecord("another user's file");
    if ((status.st_mode & S_IWOTH) != 0) throw BadRecord("a file that anyone may write");
    if (status.st_size > kMaxRecord) throw BadRecord("too large for a plan");
    return file.read(static_cast<size_t>(status.st_size));
}

void make_private_folders(const fs::path& folder) {
    if (folder.empty() || fs::exists(folder)) return;
    make_private_folders(folder.parent_path());
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) fail(folder, "cannot make");
}

// Other processes, on other machines too, may write beside: the number has to be nobody else's.
std::string fresh_name() {
    static std::atomic<uint64_t> counter{0};
    static const uint64_t random = uint64_t{std::random_device{}()} << 32 | std::random_device{}();
    std::string name = ".";  // appended to: GCC 12 warns of operator+ without a reason
    name.append(std::to_string(::getpid())).append("-").append(std::to_string(random));
    return name.append("-").append(std::to_string(counter++)).append(kAside);
}

// What processes left that were ended while they wrote.
void remove_abandoned(const fs::path& folder) {
    std::error_code ignored;
    const auto now = fs::file_time_type::clock::now();
    for (fs::directory_iterator at(folder, ignored), end; at != end; at.increment(ignored)) {
        if (at->path().extension() != kAside) continue;
        const auto written = fs::last_write_time(at->path(), ignored);
        if (!ignored && now - written > kAbandoned) fs::remove(at->path(), ignored);
    }
}

}  // namespace

std::string read_file(const fs::path& path) {
    const File file(path, O_RDONLY);
    return file.read(static_cast<size_t>(file.status().st_size));
}

void write_file(const fs::path& path, std::string_view bytes) {
    const fs::path aside = path.parent_path() / fresh_name();
    try {
        File file(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
        file.write(bytes);
        file.close();
        if (::rename(aside.c_str(), path.c_str()) != 0) fail(path, "cannot write");
    } catch (...) {
        ::unlink(aside.c_str());
        throw;
    }
}

fs::path Store::path(const RecordKey& key) const {
    return folder_ / (hex(sha256(key.text())).substr(0, 40) + kExtension);
}

std::optional<Record> Store::read(const RecordKey& key) const {
    std::string bytes;
    try {
        bytes = read_trusted(path(key));
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
    write_file(path(record.key), encode(record));
    return true;
}

std::vector<Record> Store::list(size_t most) const {
    std::vector<Record> records;
    std::error_code ignored;
    for (fs::directory_iterator at(folder_, ignored), end; at != end && records.size() < most;
         at.increment(ignored)) {
        if (at->path().extension() != kExtension) continue;
        try {
            Record record = decode(read_trusted(at->path()));
            if (path(record.key) == at->path()) records.push_back(std::move(record));
        } catch (const std::exception&) {
            // Whoever needs that plan says what is wrong with its file.
        }
    }
    return records;
}

}  // namespace qudnn::plan
