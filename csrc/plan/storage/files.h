// Files as a folder of plans needs them: written whole or not at all, and read only where they can be
// trusted. Errors of the system are std::system_error.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace qudnn::plan {

// Throws std::system_error for errno: what, and the path.
[[noreturn]] void fail(const std::filesystem::path& path, const char* what);

class File {
  public:
    File(const std::filesystem::path& path, int flags, mode_t mode = 0);
    File(const File&) = delete;
    ~File();

    struct stat status() const;
    std::string read(size_t size) const;  // fewer bytes where the file ends
    void write(std::string_view bytes) const;
    void set_mode(mode_t mode) const;
    bool try_lock() const;  // false where another process, or another File, has the lock
    void unlock() const;
    void close();  // some file systems report a full disk only here

  private:
    std::filesystem::path path_;
    int fd_;
};

// The group that shares the folder; no value if it belongs to one user.
std::optional<gid_t> sharing_group(const std::filesystem::path& folder);

// The whole of a regular file of this user's, the administrator's or, if there is one, the group's. Throws
// BadRecord for any other file, and for one that is too large for a plan.
std::string read_trusted(const std::filesystem::path& path, std::optional<gid_t> group);

// The first bytes of a regular file, at most so many; no value if they cannot be read.
std::optional<std::string> first_bytes(const std::filesystem::path& path, size_t count);

// Makes the folders that are missing, for the user alone.
void make_private_folders(const std::filesystem::path& folder);

// Writes a temporary file, then renames it.
void write_file(const std::filesystem::path& path, std::string_view bytes, mode_t mode);

// The file that processes lock while one of them makes the plan: PLAN.lock
std::filesystem::path lock_path(const std::filesystem::path& plan);

// Whether the path is named as write_file() names its temporary files: .PROCESS-RANDOM-COUNT.aside
bool is_temporary(const std::filesystem::path& path);

}  // namespace qudnn::plan
