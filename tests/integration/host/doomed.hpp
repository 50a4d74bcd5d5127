// A host program that a test kills; see host_of_objects.cpp.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "plugin_sdk/base/spawn.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {

class DoomedHost {
 public:
  /// Returns once the program has made its object: `what` is "tracked" or the name of a child, `link` "linked" or
  /// "unlinked"; the object writes to `file`. Its own files go to a directory of its own: a killed host removes none.
  DoomedHost(const std::string& toml, const std::string& what, const std::string& link, const std::string& file) {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const base::UniqueFd out(ends[0]);
    base::UniqueFd in(ends[1]);
    auto spawned =
        base::spawn({.path = FLAME_TEST_DOOMED_HOST,
                     .argv = {FLAME_TEST_DOOMED_HOST, files_.write("flame.toml", toml), what, link, file},
                     .env = {"TMPDIR=" + files_.path(), "XDG_RUNTIME_DIR=" + files_.path(), "PATH=/usr/bin:/bin"},
                     .fds = {{in.get(), STDOUT_FILENO}}});
    EXPECT_TRUE(spawned.has_value());
    pid_ = spawned->pid;
    in.reset();
    std::array<char, 64> text{};
    const ssize_t size = ::read(out.get(), text.data(), text.size());
    EXPECT_EQ(std::string(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0), "ready\n");
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
  /// The test's process is a subreaper: what the host leaves becomes its own to collect.
  [[nodiscard]] static bool nothing_left() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return descendants(::getpid()).empty();
  }

 private:
  TempDir files_;
  pid_t pid_ = 0;
};

}  // namespace flame::test
