// kill -9 of a host program in the middle of work: its runners end by themselves, whatever their tasks do.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "plugin_sdk/base/spawn.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/integration/bad_input/support.hpp"
#include "tests/support/processes.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class KillHost : public BadInputTest {
 protected:
  /// Starts flame_doomed_host and returns once its calls run. Its files go to files_: a killed host removes none.
  pid_t start(const std::string& link) {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const base::UniqueFd out(ends[0]);
    base::UniqueFd in(ends[1]);
    auto spawned =
        base::spawn({.path = FLAME_TEST_DOOMED_HOST,
                     .argv = {FLAME_TEST_DOOMED_HOST, files_.write("flame.toml", toml({})), link},
                     .env = {"TMPDIR=" + files_.path(), "XDG_RUNTIME_DIR=" + files_.path(), "PATH=/usr/bin:/bin"},
                     .fds = {{in.get(), STDOUT_FILENO}}});
    EXPECT_TRUE(spawned.has_value());
    host_ = spawned->pid;
    in.reset();
    std::array<char, 64> text{};
    const ssize_t size = ::read(out.get(), text.data(), text.size());
    EXPECT_EQ(std::string(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0), "ready\n");
    EXPECT_TRUE(eventually([&] { return std::ranges::any_of(runner_processes(host_).slots, ignores_sigterm); }));
    return spawned->pid;
  }

  void end(pid_t pid, int signal) {
    host_ = 0;
    ASSERT_EQ(::kill(pid, signal), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status));
  }

  /// This process is a subreaper: what the host leaves becomes its own to collect.
  static bool nothing_left() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return descendants(::getpid()).empty();
  }

  void TearDown() override {
    if (host_ > 0) end(host_, SIGKILL);  // the test failed before it did
    BadInputTest::TearDown();
  }

  TempDir files_;
  pid_t host_ = 0;
};

TEST_F(KillHost, LinkedWorkEndsWithinSecondsEvenIfItHangs) {
  const pid_t host = start("linked");
  ASSERT_GE(runner_processes(host).slots.size(), 4U);
  end(host, SIGKILL);
  EXPECT_TRUE(eventually(nothing_left, 5s));
}

TEST_F(KillHost, UnlinkedWorkEndsAfterTheShutdownTimeout) {
  const pid_t host = start("unlinked");
  const auto begin = std::chrono::steady_clock::now();
  end(host, SIGKILL);
  EXPECT_TRUE(eventually(nothing_left, 10s));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 1s) << "it had two seconds to end by itself";
}

TEST_F(KillHost, AStoppedHostThatIsKilledLeavesNothing) {
  const pid_t host = start("linked");
  ASSERT_EQ(::kill(host, SIGSTOP), 0);
  end(host, SIGKILL);
  EXPECT_TRUE(eventually(nothing_left, 5s));
}

TEST_F(KillHost, TheNextHostRemovesWhatAKilledOneLeftOnDisk) {
  const pid_t host = start("linked");
  const RunnerProcesses old = runner_processes(host);
  end(host, SIGKILL);
  EXPECT_TRUE(eventually(nothing_left, 5s));
  const auto count = [this] {
    std::size_t hosts = 0;
    for (const std::string& entry : entries_of(files_.path())) hosts += entry.ends_with("/pid") ? 1 : 0;
    return hosts;
  };
  EXPECT_EQ(count(), 1U);
  const pid_t next = start("linked");
  EXPECT_EQ(count(), 1U) << "its own only";
  end(next, SIGKILL);
  EXPECT_TRUE(eventually(nothing_left, 5s));
}

}  // namespace
}  // namespace flame::test
