// A fixture that fails a test which leaves a process, a descriptor or a file behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace flame::test {

/// Every process below this one in the tree of parents, except `root` itself.
[[nodiscard]] std::set<pid_t> descendants(pid_t root);
/// Open descriptors of a process and what they lead to ("socket:[123]"); none of one that is gone.
[[nodiscard]] std::map<int, std::string> open_descriptors(pid_t pid);
/// Paths of everything in `directory`, relative to it.
[[nodiscard]] std::vector<std::string> entries_of(const std::string& directory);
/// Command line of a process, for messages.
[[nodiscard]] std::string command_of(pid_t pid);

/// During a test this process is a subreaper, so daemonised grandchildren become its children and are seen. TMPDIR,
/// XDG_RUNTIME_DIR and XDG_DATA_HOME lead to directory(). TearDown() waits up to patience_ for things to go and names
/// what stays.
class LeftoversTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// The test's own directory: what is still in it at the end is a leftover. Files a test makes on purpose go to a
  /// TempDir of the test.
  [[nodiscard]] const std::string& directory() const { return directory_->path(); }

  std::chrono::nanoseconds patience_ = std::chrono::seconds(10);
  bool descriptors_may_stay_ = false;

 private:
  /// ThreadSanitizer starts it when a race meets a suppression, and keeps it and its two pipes until the process ends.
  void accept_symbolizer();
  void check_processes();
  void check_descriptors();
  void check_files();

  std::unique_ptr<TempDir> directory_;
  std::set<pid_t> processes_before_;
  std::map<int, std::string> descriptors_before_;
  std::map<std::string, std::string> environment_before_;
  bool was_subreaper_ = false;
};

}  // namespace flame::test
