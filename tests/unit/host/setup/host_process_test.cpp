// The end of a host's process: proven, or not believed.
#include "host/src/setup/host_process.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "host/src/setup/host_identity.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::pool {
namespace {

HostProcess this_process() {
  return parse_process_label(host_identity("web-1").process).value();
}

/// A process that has ended but is still known, until forget().
pid_t dead_child() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t ended{};
  ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);
  return child;
}
void forget(pid_t child) {
  ::waitpid(child, nullptr, 0);
}

/// A /proc in which every number is this process, started `ticks` after the boot.
class FakeProc {
 public:
  explicit FakeProc(const std::string& self, const std::string& ticks = "7") {
    std::filesystem::create_symlink(self, directory_ / "self");
    const std::string own = directory_ / std::to_string(::getpid());
    std::filesystem::create_directory(own);
    std::ofstream(own + "/stat") << ::getpid() << " (a) b) S 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 " << ticks << " 0\n";
  }
  [[nodiscard]] std::string path() const { return directory_ / ""; }

 private:
  test::TempDir directory_;
};

TEST(HostProcess, ThisOneIsNotGone) {
  EXPECT_FALSE(is_gone(this_process()));
}

TEST(HostProcess, OneThatStartedAtAnotherTimeIsAnother) {
  HostProcess process = this_process();
  ++process.start_time;
  EXPECT_TRUE(is_gone(process));
}

TEST(HostProcess, IsGoneOnceNobodyHasItsPid) {
  const pid_t child = dead_child();
  const HostProcess process{child, process_start_time(std::to_string(child)).value()};
  EXPECT_FALSE(is_gone(process)) << "a main thread may have ended before the others";
  forget(child);
  EXPECT_TRUE(is_gone(process));
  EXPECT_TRUE(is_gone(process, "/nowhere")) << "the kernel says so";
}

TEST(HostProcess, OneThatCannotBeReadExists) {
  HostProcess process = this_process();
  ++process.start_time;
  EXPECT_FALSE(is_gone(process, "/nowhere"));
  EXPECT_FALSE(is_gone(process, FakeProc(std::to_string(::getpid()), "soon").path()));
}

TEST(HostProcess, IsNotLookedForInTheProcOfAnotherPidNamespace) {
  const HostProcess process{::getpid(), 8};
  EXPECT_TRUE(is_gone(process, FakeProc(std::to_string(::getpid())).path()));
  EXPECT_FALSE(is_gone(process, FakeProc(std::to_string(::getpid() + 1)).path()));
}

TEST(HostProcess, APidThatNoSystemGivesProvesNothing) {
  EXPECT_FALSE(is_gone({0, 1}));
  EXPECT_FALSE(is_gone({-1, 1}));
  EXPECT_FALSE(is_gone({std::int64_t{std::numeric_limits<pid_t>::max()} + 1, 1}));
}

TEST(HostProcess, ItsNameMayHoldAnything) {
  EXPECT_EQ(process_start_time("self", FakeProc(std::to_string(::getpid())).path()), 7U);
}

}  // namespace
}  // namespace flame::pool
