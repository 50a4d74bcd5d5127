// Directories of mode 0700.
#include "host/src/plugins/private_dir.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace flame::pool {

std::optional<uid_t> owner_of_private(const std::filesystem::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || (info.st_mode & 0777) != 0700) return std::nullopt;
  return info.st_uid;
}

Result<void> make_private(const std::filesystem::path& dir) {
  if (::mkdir(dir.c_str(), 0700) == 0 || owner_of_private(dir) == ::geteuid()) return {};
  return Error{.code = ErrorCode::boot_failed,
               .message = "the private directory " + dir.string() +
                          " of this host is gone, or others may use it now (its mode was 0700). Restart this program, "
                          "with XDG_RUNTIME_DIR set to a directory that nobody cleans."};
}

}  // namespace flame::pool
