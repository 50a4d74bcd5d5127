// Where results go: names beside the source or in a store, and files that appear only when they are complete.
#pragma once

#include <cstdint>
#include <string>

namespace video {

/// The store's directory, created if it is missing; the source's directory when `store` is empty. Pending files that
/// killed processes of this machine left there are removed.
std::string store_directory(const std::string& source, const std::string& store);

/// File name of `source` without directory and extension.
std::string stem(const std::string& source);

/// A file that is written under a temporary name and gets its own by keep(); else it is removed.
class PendingFile {
 public:
  explicit PendingFile(std::string path);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  const std::string& temporary() const { return temporary_; }
  /// Renames it and returns its size. Throws std::filesystem::filesystem_error.
  std::int64_t keep();

 private:
  std::string path_;
  std::string temporary_;
};

}  // namespace video
