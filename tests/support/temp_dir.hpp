// A directory for one test.
#pragma once

#include <string>
#include <string_view>

namespace flame::test {

/// Made with mode 0700 under TMPDIR or /tmp; removed with all it holds when destroyed.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// path()/name
  [[nodiscard]] std::string operator/(std::string_view name) const;
  /// Writes a file and returns its path.
  std::string write(std::string_view name, std::string_view contents) const;

 private:
  std::string path_;
};

}  // namespace flame::test
