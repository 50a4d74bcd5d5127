// Starting host programs that will be killed, and looking for what they leave.
#include "tests/support/doomed_process.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <utility>

#include <gtest/gtest.h>

#include "plugin_sdk/base/spawn.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/support/leftovers.hpp"

namespace flame::test {

pid_t start_until_ready(const std::string& program, std::vector<std::string> arguments, const TempDir& files) {
  std::array<int, 2> ends{-1, -1};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const base::UniqueFd out(ends[0]);
  base::UniqueFd in(ends[1]);
  arguments.insert(arguments.begin(), program);
  const auto spawned =
      base::spawn({.path = program,
                   .argv = std::move(arguments),
                   .env = {"TMPDIR=" + files.path(), "XDG_RUNTIME_DIR=" + files.path(), "PATH=/usr/bin:/bin"},
                   .fds = {{in.get(), STDOUT_FILENO}}});
  EXPECT_TRUE(spawned.has_value());
  in.reset();
  std::array<char, 64> text{};
  const ssize_t size = ::read(out.get(), text.data(), text.size());
  EXPECT_EQ(std::string(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0), "ready\n");
  return spawned->pid;
}

bool nothing_left() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  return descendants(::getpid()).empty();
}

}  // namespace flame::test
