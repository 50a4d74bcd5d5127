// The files that a host needs on its machine: cleaned away, mounted noexec, cut off, not there.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "host/src/setup/running_host.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/integration/edge/files_tasks.hpp"
#include "tests/integration/edge/support.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {
namespace {

namespace fs = std::filesystem;
namespace tasks = edge_files;

class Files : public EdgeTest {
 protected:
  /// The one directory that the running host has made.
  [[nodiscard]] fs::path runtime_directory() const {
    for (const auto& entry : fs::directory_iterator(directory())) {
      if (entry.path().filename().string().starts_with("flame-")) return entry.path();
    }
    return {};
  }
};

void end_runner() {
  const RunnerProcesses runner = runner_processes(::getpid());
  ASSERT_GT(runner.guardian, 0);
  ::kill(runner.guardian, SIGTERM);
  ASSERT_TRUE(eventually([&] { return is_gone(runner.supervisor); }));
}

// --- /tmp is cleaned

TEST_F(Files, ARunnerBootsAfterSomebodyHasCleanedTheCopiesOfPluginsAway) {
  Host host(config("files"));
  const Pool pool = host.pool("p");
  const auto first = pool.call<tasks::process>();
  fs::remove_all(runtime_directory() / "plugins");
  end_runner();
  EXPECT_NE(pool.with({.timeout = std::chrono::seconds(30)}).call<tasks::process>(), first);
}

TEST_F(Files, ARunnerBootsAfterSomebodyHasCleanedTheDirectoryOfTheHostAway) {
  Host host(config("files"));
  const Pool pool = host.pool("p");
  const auto first = pool.call<tasks::process>();
  fs::remove_all(runtime_directory());
  end_runner();
  EXPECT_NE(pool.with({.timeout = std::chrono::seconds(30)}).call<tasks::process>(), first);
  EXPECT_EQ(fs::status(runtime_directory()).permissions(), fs::perms::owner_all);
}

TEST_F(Files, TheUpkeepMakesCopiesOfPluginsAgainForRunnersThatLive) {
  HostConfig settings = config("files");
  settings.control = "off";  // its thread would do the upkeep, once a minute
  pool::RunningHost host(std::move(settings), {});
  const Pool pool(host.pools().at("p"));
  pool.call<tasks::process>();
  const RunnerProcesses runner = runner_processes(::getpid());
  ASSERT_GT(runner.supervisor, 0);
  fs::remove_all(runtime_directory() / "plugins");
  ASSERT_TRUE(host.keep_files());
  const auto below = descendants(runner.supervisor);  // zygote and slots: they are started anew
  for (const pid_t pid : below) ::kill(pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return std::ranges::all_of(below, is_gone); }));
  EXPECT_TRUE(pool.with({.timeout = std::chrono::seconds(30)}).try_call<tasks::process>());
  EXPECT_EQ(runner_processes(::getpid()).supervisor, runner.supervisor);
}

TEST_F(Files, NoRunnerIsSentIntoADirectoryThatOthersHaveMadeInPlaceOfTheHosts) {
  Host host(config("files"));
  const Pool pool = host.pool("p");
  pool.call<tasks::process>();
  const fs::path place = runtime_directory();
  fs::remove_all(place);
  fs::create_directory(place);
  fs::permissions(place, fs::perms::all);
  end_runner();
  const Error error = error_of([&] { pool.with({.timeout = std::chrono::seconds(30)}).call<tasks::process>(); });
  EXPECT_EQ(error.code, ErrorCode::boot_failed);
  EXPECT_NE(error.message.find("XDG_RUNTIME_DIR"), std::string::npos) << error.message;
  EXPECT_TRUE(fs::is_empty(place));
  fs::permissions(place, fs::perms::owner_all);
}

TEST_F(Files, TheDirectoryOfAHostIsLockedSoThatSystemdLeavesItAlone) {
  Host host(config("files"));
  const base::UniqueFd directory(::open(runtime_directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(directory);
  EXPECT_NE(::flock(directory.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(errno, EWOULDBLOCK);
}

// --- noexec

struct ShellResult {
  int status = -1;
  std::string output;
};

ShellResult shell(const std::string& script) {
  ShellResult result;
  std::FILE* pipe = ::popen((script + " 2>&1").c_str(), "re");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer;
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    result.output.append(buffer.data(), n);
  }
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return result;
}

// Root keeps its rights in it; others get them for what they mount there.
const std::string kUnshare = ::geteuid() == 0 ? "unshare -m" : "unshare -rm";

class NoExec : public Files {
 protected:
  void SetUp() override {
    Files::SetUp();
    ASSERT_EQ(shell(kUnshare + " true").status, 0) << "this user may not mount anything, not even for itself";
    toml_ = files_.write("flame.toml", "[plugins]\npath = [\"" FLAME_TEST_PLUGINS
                                       "\"]\n[backends.local]\nrunner = \"" FLAME_TEST_RUNNER
                                       "\"\n[pools.p]\nplugins = [\"edge_files@1\"]\nmax = 1\n");
  }
  /// Calls a task from `flame` where `mounts` are in force, which nobody else sees.
  [[nodiscard]] ShellResult call_where(const std::string& mounts) const {
    return shell(kUnshare + " sh -ec '" + mounts + "; exec " FLAME_TEST_COMMAND " call --config " + toml_ +
                 " p edge_files::process'");
  }
  [[nodiscard]] static std::string noexec(const std::string& directory) {
    return "mount --bind " + directory + " " + directory + "; mount -o remount,bind,noexec " + directory;
  }
  /// No place for copies is left, but what was built can be run, though it may lie below one.
  [[nodiscard]] std::string noexec_everywhere() const {
    const std::string built = fs::path(FLAME_TEST_COMMAND).parent_path().parent_path().string();
    return noexec(directory()) + "; " + noexec("/tmp") + "; " + noexec("/var/tmp") + "; mount --bind " + built + " " +
           built + "; mount -o remount,bind,exec " + built;
  }

  std::string toml_;
  TempDir files_;
};

TEST_F(NoExec, ARuntimeDirectoryMountedNoexecIsPassedOver) {
  const ShellResult result = call_where(noexec(directory()));
  EXPECT_EQ(result.status, 0) << result.output;
}

TEST_F(NoExec, WithoutAnyPlaceForCopiesPluginsAreLoadedFromWhereTheyStand) {
  const ShellResult result = call_where(noexec_everywhere());
  EXPECT_EQ(result.status, 0) << result.output;
}

TEST_F(NoExec, APluginThatLiesOnlyThereIsRefusedWithTheReasonAndTheRemedy) {
  const TempDir plugins;
  fs::copy_file(FLAME_TEST_PLUGINS "/edge_files.so", plugins / "edge_files.so");
  toml_ = files_.write("flame.toml", "[plugins]\npath = [\"" + plugins.path() +
                                         "\"]\n[backends.local]\nrunner = \"" FLAME_TEST_RUNNER
                                         "\"\n[pools.p]\nplugins = [\"edge_files@1\"]\nmax = 1\n");
  const ShellResult result = call_where(noexec_everywhere() + "; " + noexec(plugins.path()));
  EXPECT_NE(result.status, 0);
  EXPECT_NE(result.output.find("noexec"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("XDG_RUNTIME_DIR"), std::string::npos) << result.output;
}

// --- full

class Full : public NoExec {};

TEST_F(Full, ARuntimeDirectoryWithoutRoomForThePluginsIsNamedWithTheRemedy) {
  const ShellResult result = call_where("mount -t tmpfs -o size=16k,mode=0700 tmpfs " + directory());
  EXPECT_NE(result.status, 0);
  EXPECT_NE(result.output.find("\"" + directory() + "/flame-"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("set XDG_RUNTIME_DIR"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("No space left on device"), std::string::npos) << result.output;
}

// --- damaged, missing

TEST_F(Files, APluginThatWasCopiedHalfIsRefusedBeforeAnythingRuns) {
  const TempDir plugins;
  fs::copy_file(FLAME_TEST_PLUGINS "/edge_files.so", plugins / "edge_files.so");
  fs::resize_file(plugins / "edge_files.so", 60'000);
  HostConfig half = config("files");
  half.plugin_path = {plugins.path()};
  const Error error = error_of([&] { const Host host(half); });
  EXPECT_EQ(error.code, ErrorCode::invalid_argument) << error.to_string();
  EXPECT_NE(error.message.find("is a damaged ELF file: cut off"), std::string::npos) << error.message;
}

TEST_F(Files, APluginDirectoryThatIsNotThereIsNamedAsSuch) {
  HostConfig missing = config("files");
  missing.plugin_path = {"/no/such/directory"};
  const Error error = error_of([&] { const Host host(missing); });
  EXPECT_NE(error.message.find("there is no directory \"/no/such/directory\""), std::string::npos) << error.message;
}

}  // namespace
}  // namespace flame::test
