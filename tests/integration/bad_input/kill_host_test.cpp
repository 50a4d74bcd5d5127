// kill -9 of a host program in the middle of work: its runners end by themselves, whatever their tasks do.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "tests/integration/bad_input/support.hpp"
#include "tests/support/doomed_process.hpp"
#include "tests/support/processes.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class KillHost : public BadInputTest {
 protected:
  /// Starts flame_doomed_host and returns once its calls run. Its files go to files_: a killed host removes none.
  pid_t start(const std::string& link, const std::string& pool = {}) {
    const std::string config = files_.write("flame.toml", toml({.pool = pool}));
    host_ = start_until_ready(FLAME_TEST_DOOMED_HOST, {config, link}, files_);
    EXPECT_TRUE(eventually([&] { return std::ranges::any_of(runner_processes(host_).slots, ignores_sigterm); }));
    return host_;
  }

  void end(pid_t pid, int signal) {
    host_ = 0;
    ASSERT_EQ(::kill(pid, signal), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status));
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
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 1900ms) << "it had two seconds to end by itself";
  EXPECT_LT(took, 4s) << "and no more";
}

TEST_F(KillHost, InOneProcessOfThreadsUnlinkedWorkHasTheShutdownTimeoutBesideLinkedWorkThatHangs) {
  const pid_t host = start("mixed", "isolation = \"thread\"\nshutdown_timeout = \"6s\"\n");
  const auto begin = std::chrono::steady_clock::now();
  end(host, SIGKILL);
  EXPECT_TRUE(eventually(nothing_left, 12s));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 5900ms) << "longer than a retired process lives otherwise";
  EXPECT_LT(took, 8s);
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
