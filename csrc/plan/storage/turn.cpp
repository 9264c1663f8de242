#include "plan/storage/turn.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

namespace qudnn::plan {

namespace {

constexpr std::chrono::milliseconds kBetweenAttempts{10};

bool is_same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Plans are renamed into place: a plan that was written is another file, or one of another time.
bool is_unchanged(const struct stat& a, const struct stat& b) {
    return is_same_file(a, b) && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
           a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

Turn::Turn(std::filesystem::path plan)
    : plan_(std::move(plan)), lock_(lock_path(plan_)), at_first_(status()) {}

Turn::~Turn() {
    if (held_ == nullptr) return;
    // In this order: who locks the file after it is deleted sees that it is not the one at the path.
    ::unlink(lock_.c_str());
    held_->unlock();  // closing is not enough where a fork's child has the file, too
}

bool Turn::take(std::chrono::milliseconds patience) {
    if (plan_.empty()) return false;
    const auto end = std::chrono::steady_clock::now() + patience;
    try {
        make_private_folders(plan_.parent_path());
        while ((held_ = try_take()) == nullptr && std::chrono::steady_clock::now() < end) {
            std::this_thread::sleep_for(kBetweenAttempts);
        }
        is_others_ = held_ == nullptr;
    } catch (const std::system_error&) {
        // No lock can be had here.
    }
    return !is_unchanged(status(), at_first_);
}

// All zero where there is no file.
struct stat Turn::status() const {
    struct stat found;
    return ::stat(plan_.c_str(), &found) == 0 ? found : (struct stat){};
}

std::unique_ptr<File> Turn::try_take() const {
    const bool shared = sharing_group(plan_.parent_path()).has_value();
    const mode_t mode = shared ? 0660 : 0600;
    auto file = std::make_unique<File>(lock_, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode);
    const struct stat opened = file->status();
    if (shared && opened.st_uid == ::geteuid()) file->set_mode(mode);  // whatever the process's umask is
    if (!file->try_lock()) return nullptr;
    struct stat at_path;
    const bool is_there = ::stat(lock_.c_str(), &at_path) == 0;
    return is_there && is_same_file(opened, at_path) ? std::move(file) : nullptr;
}

}  // namespace qudnn::plan
