// A host program that a test kills; see host_of_objects.cpp.
#pragma once

#include <signal.h>
#include <sys/wait.h>

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/doomed_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {

class DoomedHost {
 public:
  /// Returns once the program has made its object: `what` is "tracked" or the name of a child, `link` "linked" or
  /// "unlinked"; the object writes to `file`. `busy`: a method of it runs, or is about to write "lingers". Its own
  /// files go to a directory of its own: a killed host removes none.
  DoomedHost(const std::string& toml, const std::string& what, const std::string& link, const std::string& file,
             bool busy = false) {
    std::vector<std::string> arguments = {files_.write("flame.toml", toml), what, link, file};
    if (busy) arguments.emplace_back("busy");
    pid_ = start_until_ready(FLAME_TEST_DOOMED_HOST, std::move(arguments), files_);
  }
  ~DoomedHost() {
    if (pid_ > 0) kill();
  }
  DoomedHost(const DoomedHost&) = delete;
  DoomedHost& operator=(const DoomedHost&) = delete;

  void kill() {
    EXPECT_EQ(::kill(pid_, SIGKILL), 0);
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
  }

 private:
  TempDir files_;
  pid_t pid_ = 0;
};

}  // namespace flame::test
