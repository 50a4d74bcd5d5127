// LocalBackend with real processes: a shell script stands in for flame-runner.
#include "backends/local/local_backend.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/eventually.hpp"

namespace flame::backends {
namespace {

using namespace std::chrono_literals;

std::string contents(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Collects what the backend tells, from whatever thread, and waits for it.
class Events {
 public:
  void booted(BootOutcome outcome) {
    const std::lock_guard lock(mutex_);
    boots_.push_back(std::move(outcome));
    changed_.notify_all();
  }
  void exited(const MachineId& id, std::string reason) {
    const std::lock_guard lock(mutex_);
    exits_[id] = std::move(reason);
    changed_.notify_all();
  }
  void line(std::string_view text) {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(text);
    changed_.notify_all();
  }
  BootOutcome boot(std::size_t index) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 10s, [&] { return boots_.size() > index; }));
    return boots_.at(index);
  }
  std::string exit_of(const MachineId& id) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 10s, [&] { return exits_.contains(id); }));
    return exits_[id];
  }
  std::string first_line() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 10s, [&] { return !lines_.empty(); }));
    return lines_.empty() ? "" : lines_.front();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<BootOutcome> boots_;
  std::map<MachineId, std::string> exits_;
  std::vector<std::string> lines_;
};

class LocalBackendTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "flame-local-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override {
    backend_.reset();
    std::filesystem::remove_all(directory_);
  }

  LocalBackend& backend_running(const std::string& script, LocalOptions options = {}) {
    const auto path = directory_ / "fake-runner";
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    ::chmod(path.c_str(), 0755);
    options.runner = path.string();
    return backend_with(std::move(options));
  }
  LocalBackend& backend_with(LocalOptions options) {
    backend_.emplace(std::move(options), [this](std::string_view line) { events_.line(line); });
    backend_->on_exit([this](MachineId id, std::string reason) { events_.exited(id, std::move(reason)); });
    return *backend_;
  }
  BootOutcome boot(BootRequest request) {
    backend_->boot(std::move(request), [this](BootOutcome outcome) { events_.booted(std::move(outcome)); });
    return events_.boot(boots_++);
  }

  std::filesystem::path directory_;
  Events events_;
  std::optional<LocalBackend> backend_;
  std::size_t boots_ = 0;
};

TEST_F(LocalBackendTest, HandsTheParentBytesOverByDescriptorAndNotByEnvironment) {
  backend_running("cat <&$FLAME_PARENT_FD > " + (directory_ / "parent").string() + "; env > " +
                  (directory_ / "env").string());
  const auto machine =
      boot({.runner = "r-1", .parent = std::string("secret\0bytes", 12), .plugin_dirs = {"/p/a", "/p/b"}});
  ASSERT_TRUE(machine);
  EXPECT_EQ(machine->runner, "r-1");
  EXPECT_EQ(events_.exit_of(machine->id), "exit code 0");
  EXPECT_EQ(contents(directory_ / "parent"), std::string("secret\0bytes", 12));
  const std::string environment = contents(directory_ / "env");
  EXPECT_EQ(environment.find("secret"), std::string::npos);
  EXPECT_NE(environment.find("FLAME_PLUGIN_PATH=/p/a:/p/b"), std::string::npos);
}

TEST_F(LocalBackendTest, InheritsNoSecretsAndNoDescriptors) {
  ::setenv("FLAME_TEST_TOKEN", "hunter2", 1);
  backend_running("env; ls /proc/self/fd | tr '\\n' ' '", {.log = (directory_ / "log").string()});
  const auto machine = boot({.runner = "r-1", .env = {{"GIVEN", "yes"}}});
  ::unsetenv("FLAME_TEST_TOKEN");
  ASSERT_TRUE(machine);
  events_.exit_of(machine->id);
  // 4 is the directory that ls itself reads. The log file is written by a thread of its own.
  const auto descriptors = [&] { return contents(directory_ / "log").find("0 1 2 3 4 \n") != std::string::npos; };
  const bool only_its_own = test::eventually(descriptors);
  const std::string log = contents(directory_ / "log");
  EXPECT_TRUE(only_its_own) << log;
  EXPECT_EQ(log.find("hunter2"), std::string::npos) << log;
  EXPECT_NE(log.find("GIVEN=yes"), std::string::npos) << log;
}

TEST_F(LocalBackendTest, TellsTheExitCodeAndTheLastLinesOfARunnerThatDiesAtBoot) {
  backend_running("echo starting; echo 'cannot open the flux capacitor' >&2; exit 7");
  const auto machine = boot({.runner = "r-1"});
  ASSERT_TRUE(machine);
  const std::string reason = events_.exit_of(machine->id);
  EXPECT_TRUE(reason.starts_with("exit code 7")) << reason;
  EXPECT_NE(reason.find("flux capacitor"), std::string::npos) << reason;
  EXPECT_TRUE(backend_->list().empty());
}

TEST_F(LocalBackendTest, TellsTheSignalThatKilledARunner) {
  backend_running("kill -9 $$");
  const auto machine = boot({.runner = "r-1"});
  ASSERT_TRUE(machine);
  EXPECT_TRUE(events_.exit_of(machine->id).starts_with("killed by signal 9 (Killed)"));
}

TEST_F(LocalBackendTest, GivesLinesToTheSinkWithTheRunnersName) {
  backend_running("echo hello from here; exec sleep 100");
  const auto machine = boot({.runner = "r-9"});
  ASSERT_TRUE(machine);
  EXPECT_EQ(events_.first_line(), "runner r-9: hello from here");
}

TEST_F(LocalBackendTest, BootsARunnerIdOnce) {
  backend_running("exec sleep 100");
  const auto first = boot({.runner = "r-1"});
  const auto second = boot({.runner = "r-1"});
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_EQ(first->id, second->id);
  EXPECT_EQ(backend_->list().size(), 1U);
}

TEST_F(LocalBackendTest, DestroyAsksWithSigint) {
  backend_running("trap 'exit 3' INT; echo ready; while :; do sleep 0.01; done");
  const auto machine = boot({.runner = "r-1"});
  ASSERT_TRUE(machine);
  events_.first_line();
  backend_->destroy(machine->id);
  backend_->destroy(machine->id);
  EXPECT_EQ(events_.exit_of(machine->id), "destroyed (exit code 3)");
}

TEST_F(LocalBackendTest, DestroyKillsARunnerThatIgnoresSigint) {
  backend_running("trap '' INT; echo ready; exec sleep 100");
  const auto machine = boot({.runner = "r-1"});
  ASSERT_TRUE(machine);
  events_.first_line();
  const auto before = std::chrono::steady_clock::now();
  backend_->destroy(machine->id);
  EXPECT_EQ(events_.exit_of(machine->id), "destroyed (killed by signal 9 (Killed))");
  EXPECT_GE(std::chrono::steady_clock::now() - before, 1900ms);
}

TEST_F(LocalBackendTest, DestroyKillsASupervisorThatHangsAndLetsTheGuardianEnd) {
  backend_running("trap '' INT; sleep 100 & echo ready; wait $!; exit 5");
  const auto machine = boot({.runner = "r-1"});
  ASSERT_TRUE(machine);
  events_.first_line();
  backend_->destroy(machine->id);
  EXPECT_EQ(events_.exit_of(machine->id), "destroyed (exit code 5)");
}

TEST_F(LocalBackendTest, DestroyOfAnUnknownMachineDoesNothing) {
  backend_running("exec sleep 100");
  backend_->destroy("1");
  backend_->destroy("no such machine");
  EXPECT_TRUE(boot({.runner = "r-1"}));
}

TEST_F(LocalBackendTest, TheDestructorLeavesNoProcessAndTellsOfEachEnd) {
  backend_running("exec sleep 100");
  const auto one = boot({.runner = "r-1"});
  const auto two = boot({.runner = "r-2"});
  ASSERT_TRUE(one);
  ASSERT_TRUE(two);
  backend_.reset();
  EXPECT_TRUE(events_.exit_of(one->id).starts_with("destroyed"));
  EXPECT_TRUE(events_.exit_of(two->id).starts_with("destroyed"));
  EXPECT_EQ(::kill(std::stoi(one->id), 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(LocalBackendTest, AMissingBinaryIsAPermanentFailure) {
  backend_with({.runner = (directory_ / "nothing").string()});
  const auto outcome = boot({.runner = "r-1"});
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().permanent);
  EXPECT_EQ(outcome.error().error.code, ErrorCode::boot_failed);
}

TEST_F(LocalBackendTest, AMissingInterpreterIsAFailureThatNamesTheBinary) {
  const auto path = directory_ / "odd";
  std::ofstream(path) << "#!/no/such/interpreter\n";
  ::chmod(path.c_str(), 0755);
  backend_with({.runner = path.string()});
  const auto outcome = boot({.runner = "r-1"});
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().error.message.find(path.string()), std::string::npos);
}

}  // namespace
}  // namespace flame::backends
