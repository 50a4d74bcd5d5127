// What files were hashed to, for as long as they are the same: a plugin version that comes again is not read again.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace flame::base {

/// Any thread.
class HashedFiles {
 public:
  /// A file that was changed later than so long before it was looked at is hashed again the next time: times of files
  /// are as coarse as the system's tick, and with some file systems as a second.
  static constexpr std::int64_t kSettled_s = 2;
  /// More than the versions that are changed between in turn: then all are forgotten.
  static constexpr std::size_t kFilesMax = 256;

  /// `file` had these bytes when fstat(2) said `before`, and was hashed after that.
  void add(const std::filesystem::path& file, const struct stat& before, std::string digest);
  /// nullopt: it was never hashed, or may be another by now.
  [[nodiscard]] std::optional<std::string> find(const std::filesystem::path& file, const struct stat& now) const;

 private:
  // Who writes to a file cannot set its ctime back.
  struct Stamp {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = 0, changed_s = 0, changed_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct Hashed {
    Stamp stamp;
    std::string digest;
  };
  [[nodiscard]] static Stamp stamp(const struct stat& info);

  mutable std::mutex mutex_;
  std::map<std::filesystem::path, Hashed> files_;
};

}  // namespace flame::base
