// Implements file.hpp over the system calls.
#include "plugin_sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace flame::base {
namespace {

Error failed(std::string_view action, std::string_view path, int error_number) {
  Error error;
  error.code = error_number == ENOENT ? ErrorCode::not_found : ErrorCode::invalid_argument;
  error.message = "cannot " + std::string(action) + " \"" + std::string(path) + "\": " + std::strerror(error_number);
  return error;
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Puts `contents` behind `fd` and on disk.
int fill(int fd, std::string_view contents, mode_t mode) noexcept {
  if (const int problem = write_all(fd, as_bytes(contents))) return problem;
  if (::fchmod(fd, mode) != 0 || ::fsync(fd) != 0) return errno;
  return 0;
}

}  // namespace

Result<std::string> read_all(int fd, std::size_t limit, std::string_view name) {
  std::string contents;
  std::size_t size = 0;
  for (;;) {
    // Grows with what is there, and by one byte past the limit to see that there is more.
    if (contents.size() - size < 4096 && contents.size() <= limit) {
      contents.resize(std::min(limit + 1, std::max<std::size_t>(16 * 1024, 2 * contents.size())));
    }
    const ssize_t n = ::read(fd, contents.data() + size, contents.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", name, errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
    if (size > limit) {
      Error error;
      error.code = ErrorCode::too_large;
      error.message = "\"" + std::string(name) + "\" is larger than the limit of " + std::to_string(limit) + " bytes";
      return error;
    }
  }
  contents.resize(size);
  return contents;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return failed("open", path, errno);
  return read_all(fd.get(), limit, path);
}

int write_all(int fd, std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return 0;
}

Result<void> write_file_atomically(const std::string& path, std::string_view contents, mode_t mode) {
  std::string temporary = path + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return failed("write", path, errno);
  int problem = fill(fd.get(), contents, mode);
  fd.reset();
  if (problem == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) problem = errno;
  if (problem == 0) return {};
  ::unlink(temporary.c_str());
  return failed("write", path, problem);
}

Result<std::string> make_private_directory(const std::string& parent, std::string_view prefix) {
  std::string path = parent + "/" + std::string(prefix) + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return failed("make a directory in", parent, errno);
  return path;
}

void remove_tree(const std::string& path) noexcept {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

Result<UniqueFd> sealed_memfd(const char* name, std::string_view contents) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return failed("make memory file", name, errno);
  if (const int problem = write_all(fd.get(), as_bytes(contents))) return failed("write", name, problem);
  const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (::lseek(fd.get(), 0, SEEK_SET) != 0 || ::fcntl(fd.get(), F_ADD_SEALS, seals) != 0) {
    return failed("seal", name, errno);
  }
  return fd;
}

Result<std::optional<FileLock>> FileLock::try_lock(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return failed("open", path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<FileLock>();
    return failed("lock", path, errno);
  }
  return std::optional<FileLock>(FileLock(std::move(fd), path));
}

Result<void> FileLock::write(std::string_view contents) {
  if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) != 0) return failed("write", path_, errno);
  if (const int problem = write_all(fd_.get(), as_bytes(contents))) return failed("write", path_, problem);
  return {};
}

}  // namespace flame::base
