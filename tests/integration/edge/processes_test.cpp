// The context of a runner's processes: what it is whatever their parent did, and that nobody waits for one for ever.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/integration/edge/processes_tasks.hpp"
#include "tests/integration/edge/support.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
namespace tasks = edge_processes;

bool is_stopped(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string id, name, state;
  stat >> id >> name >> state;
  return state == "T";
}

/// The one that a task of it has written into `file`, once it is stopped; 0 if it does not stop.
pid_t stopped_process(const std::string& file) {
  pid_t pid = 0;
  const auto has_stopped = [&] { return std::ifstream(file) >> pid && is_stopped(pid); };
  return eventually(has_stopped) ? pid : 0;
}

class Processes : public EdgeTest {
 protected:
  static HostConfig with(const std::function<void(PoolConfig&)>& change = {}) { return config("processes", change); }
  /// flame-runner is started by a shell that runs `prologue` first, as many container entry points do.
  HostConfig wrapped(const std::string& prologue, const std::function<void(PoolConfig&)>& change = {}) {
    const std::string path = files_.write("runner", "#!/bin/sh\n" + prologue + "\nexec " FLAME_TEST_RUNNER "\n");
    ::chmod(path.c_str(), 0755);
    HostConfig config = with(change);
    config.backends["local"].values["runner"] = Option{OptionValue(path), {}};
    return config;
  }
  TempDir files_;
};

// --- a zygote that stands still

TEST_F(Processes, AZygoteThatStandsStillIsReplacedAndCallsGoOn) {
  Host host(with([](PoolConfig& pool) { pool.boot_timeout = 3s; }));
  const Pool pool = host.pool("p");
  pool.call<tasks::process>();
  RunnerProcesses runner;
  // The spare, too: it would serve the call, and nothing would be asked of the zygote.
  ASSERT_TRUE(
      eventually([&] { return (runner = runner_processes(::getpid())).zygote > 0 && runner.slots.size() == 2; }));
  ASSERT_EQ(::kill(runner.zygote, SIGSTOP), 0);
  for (const pid_t slot : runner.slots) ::kill(slot, SIGKILL);
  // The first one may still be given to a slot that has just been killed.
  EXPECT_TRUE(eventually([&] { return pool.with({.timeout = 20s}).try_call<tasks::process>().has_value(); }, 40s));
  EXPECT_TRUE(eventually([&] { return is_gone(runner.zygote); }));
  EXPECT_EQ(pool.stats().boots, 1U) << "it was this runner's own doing";
}

// --- a slot that stands still

TEST_F(Processes, AnIdleSlotThatWasStoppedIsReplacedAndNoCallWaitsForIt) {
  Host host(with());
  const Pool pool = host.pool("p");
  const auto stopped = static_cast<pid_t>(pool.call<tasks::process>());
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 0; }));
  ASSERT_EQ(::kill(stopped, SIGSTOP), 0);
  ASSERT_TRUE(eventually([&] { return is_gone(stopped); })) << "it is killed, and nobody had to wait for that";
  for (int i = 0; i < 4; ++i) {
    const auto served = pool.with({.timeout = 20s}).try_call<tasks::process>();
    EXPECT_TRUE(served.has_value()) << served.error().to_string();
  }
  EXPECT_EQ(pool.stats().boots, 1U) << "it was this runner's own doing";
}

TEST_F(Processes, ACallWhoseProcessWasStoppedSaysSo) {
  Host host(with());
  const Pool pool = host.pool("p");
  pool.call<tasks::process>();
  const Error late = error_of([&] { pool.with({.timeout = 3s}).call<tasks::stand_still>(files_ / "late"); });
  EXPECT_EQ(late.code, ErrorCode::timed_out);
  EXPECT_NE(late.message.find("was stopped by SIGSTOP"), std::string::npos) << late.message;

  auto call = pool.with({.timeout = 60s}).async<tasks::stand_still>(files_ / "killed");
  const pid_t slot = stopped_process(files_ / "killed");
  ASSERT_GT(slot, 0);
  ::kill(slot, SIGKILL);
  const Error killed = error_of([&] { call.get(); });
  EXPECT_EQ(killed.code, ErrorCode::crashed);
}

TEST_F(Processes, ACallWhoseProcessWasStoppedAndContinuedReturns) {
  Host host(with());
  const Pool pool = host.pool("p");
  auto call = pool.with({.timeout = 60s}).async<tasks::stand_still>(files_ / "pid");
  const pid_t slot = stopped_process(files_ / "pid");
  ASSERT_GT(slot, 0);
  ::kill(slot, SIGCONT);
  EXPECT_EQ(error_of([&] { call.get(); }).code, ErrorCode::none);
  EXPECT_NE(pool.with({.timeout = 20s}).call<tasks::process>(), 0);
}

// --- too few descriptors, processes

TEST_F(Processes, CallsThatFindNoDescriptorsForASlotOfTheirOwnWaitForALivingOne) {
  Host host(wrapped("ulimit -n 80", [](PoolConfig& pool) { pool.max_concurrency = 24; }));
  const Pool pool = host.pool("p");
  pool.call<tasks::process>();
  std::vector<Future<void>> calls;
  for (int i = 0; i < 48; ++i) calls.push_back(pool.with({.timeout = 60s}).async<tasks::work_for>(100));
  int failed = 0;
  for (auto& call : calls) {
    const Error error = error_of([&] { call.get(); });
    failed += error.code == ErrorCode::none ? 0 : 1;
    EXPECT_EQ(error.code, ErrorCode::none) << error.to_string();
    if (failed > 2) break;
  }
}

#ifndef __SANITIZE_ADDRESS__  // UBSan looks at an object through a pipe, for which there is no descriptor either
TEST_F(Processes, WithoutDescriptorsForASingleProcessACallIsToldWhichLimitToRaise) {
  Host host(wrapped("ulimit -n 100", [](PoolConfig& pool) {
    pool.isolation = SlotIsolation::thread;
    pool.max_concurrency = 100;
  }));
  const Error error = error_of([&] { host.pool("p").with({.timeout = 20s}).call<tasks::process>(); });
  EXPECT_NE(error.code, ErrorCode::none);
  EXPECT_NE(error.to_string().find("ulimit -n"), std::string::npos) << error.to_string();
  EXPECT_EQ(error.to_string().find("Install flame-zygote"), std::string::npos) << error.to_string();
}
#endif

// --- what the parent left

TEST_F(Processes, ARunnerWhoseParentIgnoredSigchldHearsOfACrash) {
  // A trap of dash's does not last: it gives SIGCHLD its default action before it execs.
  Host host(wrapped("exec env --ignore-signal=CHLD,PIPE,USR1 " FLAME_TEST_RUNNER));
  const Pool pool = host.pool("p");
  const Error error = error_of([&] { pool.with({.timeout = 20s}).call<tasks::crash>(); });
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_NE(pool.call<tasks::process>(), 0);
}

TEST_F(Processes, ATaskHasTheSoftLimitOfOpenFilesThatTheRunnerWasStartedWith) {
  Host host(wrapped("ulimit -S -n 250"));
  EXPECT_EQ(host.pool("p").call<tasks::open_files>(), 250);
}

TEST_F(Processes, ThreadsOfOneProcessHaveRoomForTheirDescriptorsBesides) {
  Host host(wrapped("ulimit -S -n 60", [](PoolConfig& pool) {
    pool.isolation = SlotIsolation::thread;
    pool.max_concurrency = 50;
  }));
  const Pool pool = host.pool("p");
  EXPECT_GE(pool.call<tasks::open_files>(), 60);
  std::vector<Future<void>> calls;
  for (int i = 0; i < 50; ++i) calls.push_back(pool.async<tasks::work_for>(20));
  for (auto& call : calls) call.get();
}

// --- exit() beside others

TEST_F(Processes, ATaskThatCallsExitIsBlamedAloneAmongTheThreadsOfItsProcess) {
  Host host(with([](PoolConfig& pool) {
    pool.isolation = SlotIsolation::thread;
    pool.max_concurrency = 3;
  }));
  const Pool pool = host.pool("p");
  auto first = pool.async<tasks::hold>();
  auto second = pool.async<tasks::hold>();
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 2; }));
  const Error guilty = error_of([&] { pool.call<tasks::leave>(7); });
  EXPECT_EQ(guilty.code, ErrorCode::crashed);
  EXPECT_FALSE(guilty.collateral) << guilty.to_string();
  EXPECT_EQ(guilty.exit_code, 7);
  for (auto* innocent : {&first, &second}) {
    const Error error = error_of([&] { innocent->get(); });
    EXPECT_EQ(error.code, ErrorCode::crashed);
    EXPECT_TRUE(error.collateral) << error.to_string();
    EXPECT_NE(error.message.find("Another task of the same process called exit()"), std::string::npos) << error.message;
  }
}

// --- guardian and supervisor killed at once

// A cgroup below our own, if we may make one. The runner's README says what is not promised without.
bool cgroups_can_be_made() {
  std::ifstream mounts("/proc/self/mountinfo");
  std::string mount;
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream words(line);
    for (int i = 0; i < 5; ++i) words >> mount;
  }
  std::string own;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.starts_with("0::")) own = line.substr(3);
  }
  if (mount.empty() || own.empty()) return false;
  const std::filesystem::path probe = std::filesystem::path(mount + own) / "flame-test-probe";
  if (::mkdir(probe.c_str(), 0755) != 0) return false;
  const bool killable = ::access((probe / "cgroup.kill").c_str(), W_OK) == 0;
  ::rmdir(probe.c_str());
  return killable;
}

TEST_F(Processes, WhatATaskLeavesEndsWithItsRunnerEvenIfGuardianAndSupervisorAreKilledAtOnce) {
  const std::string file = files_ / "pid";
  pid_t left = 0;
  {
    Host host(with());
    const Pool pool = host.pool("p");
    auto call = pool.async<tasks::keep_daemon>(file);
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(file); }));
    std::ifstream(file) >> left;
    const RunnerProcesses runner = runner_processes(::getpid());
    ASSERT_GT(runner.supervisor, 0);
    // Stopped first: neither can do anything about the other's end.
    for (const int signal : {SIGSTOP, SIGKILL}) {
      for (const pid_t pid : {runner.supervisor, runner.guardian}) ::kill(pid, signal);
    }
    EXPECT_EQ(error_of([&] { call.get(); }).code, ErrorCode::runner_lost);
    if (cgroups_can_be_made()) {
      EXPECT_TRUE(eventually([&] { return is_gone(left); }));
    } else {
      EXPECT_FALSE(is_gone(left)) << "better than promised: correct runner/README.md";
    }
  }
  if (left > 0 && !is_gone(left)) ::kill(left, SIGKILL);
  while (left > 0 && ::waitpid(left, nullptr, WNOHANG) > 0) continue;
}

// --- idle memory

std::uint64_t resident_arena(pid_t pid) {
  std::ifstream smaps("/proc/" + std::to_string(pid) + "/smaps");
  bool in_arena = false;
  std::uint64_t kib = 0;
  for (std::string line; std::getline(smaps, line);) {
    if (line.find(":flame-arena") != std::string::npos) in_arena = true;
    if (in_arena && line.starts_with("Rss:")) {
      kib += std::stoull(line.substr(4));
      in_arena = false;
    }
  }
  return kib;
}

TEST_F(Processes, AnIdleSlotGivesTheMemoryOfItsArenaBack) {
  Host host(with([](PoolConfig& pool) { pool.idle_shutdown_after = kForever; }));
  const Pool pool = host.pool("p");
  const std::string text(1'000'000, 'x');
  ASSERT_EQ(pool.call<tasks::echo>(text), text);
  const auto resident = [] {
    std::uint64_t kib = 0;
    for (const pid_t slot : runner_processes(::getpid()).slots) kib += resident_arena(slot);
    return kib;
  };
  EXPECT_GT(resident(), 900U);
  EXPECT_TRUE(eventually([&] { return resident() < 100; }, 30s));
  EXPECT_EQ(pool.call<tasks::echo>(text), text);
}

}  // namespace
}  // namespace flame::test
