#include "plan/storage/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include "plan/storage/record.h"

namespace qudnn::plan {

namespace {

namespace fs = std::filesystem;

constexpr const char* kAside = ".aside";

bool is_in_group(gid_t group) {
    if (group == ::getegid()) return true;
    std::vector<gid_t> groups(static_cast<size_t>(std::max(0, ::getgroups(0, nullptr))));
    const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    return count > 0 && std::find(groups.begin(), groups.begin() + count, group) != groups.begin() + count;
}

// Other processes, also on other machines, may write at the same time: the number has to be unique.
std::string fresh_name() {
    static std::atomic<uint64_t> counter{0};
    static const uint64_t random = uint64_t{std::random_device{}()} << 32 | std::random_device{}();
    std::string name = ".";  // appended to: GCC 12 warns of operator+ without a reason
    name.append(std::to_string(::getpid())).append("-").append(std::to_string(random));
    return name.append("-").append(std::to_string(counter++)).append(kAside);
}

}  // namespace

void fail(const fs::path& path, const char* what) {
    throw std::system_error(errno, std::generic_category(), std::string(what) + " " + path.string());
}

File::File(const fs::path& path, int flags, mode_t mode)
    : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (fd_ < 0) fail(path, "cannot open");
}

File::~File() {
    if (fd_ >= 0) ::close(fd_);
}

struct stat File::status() const {
    struct stat s;
    if (::fstat(fd_, &s) != 0) fail(path_, "cannot look at");
    return s;
}

std::string File::read(size_t size) const {
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

void File::write(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail(path_, "cannot write");
        bytes.remove_prefix(static_cast<size_t>(n));
    }
}

void File::set_mode(mode_t mode) const {
    if (::fchmod(fd_, mode) != 0) fail(path_, "cannot set the mode of");
}

bool File::try_lock() const {
    while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return false;
        if (errno != EINTR) fail(path_, "cannot lock");
    }
    return true;
}

void File::unlock() const { ::flock(fd_, LOCK_UN); }

void File::close() {
    const int fd = std::exchange(fd_, -1);
    if (::close(fd) != 0) fail(path_, "cannot write");
}

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

std::optional<std::string> first_bytes(const fs::path& path, size_t count) {
    try {
        const File file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        if (!S_ISREG(file.status().st_mode)) return std::nullopt;
        return file.read(count);
    } catch (const std::system_error&) {
        return std::nullopt;
    }
}

void make_private_folders(const fs::path& folder) {
    if (folder.empty() || fs::exists(folder)) return;
    make_private_folders(folder.parent_path());
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) fail(folder, "cannot make");
}

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

fs::path lock_path(const fs::path& plan) { return fs::path(plan).replace_extension(".lock"); }

bool is_temporary(const fs::path& path) {
    const std::string name = path.stem().string();
    return path.extension() == kAside && name.starts_with('.') &&
           name.find_first_not_of("0123456789-", 1) == std::string::npos &&
           std::count(name.begin(), name.end(), '-') == 2;
}

}  // namespace qudnn::plan
