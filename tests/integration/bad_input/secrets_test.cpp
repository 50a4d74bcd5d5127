// What runners know of their host, and tasks must not: keys and endpoints, in descriptors and environments.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/integration/bad_input/support.hpp"
#include "tests/support/ask_socket.hpp"
#include "tests/support/processes.hpp"

namespace flame::test {
namespace {

class Secrets : public BadInputTest {
 protected:
  /// What a process's descriptors lead to; empty if it cannot be asked.
  static std::vector<std::string> descriptors_of(pid_t pid) {
    std::vector<std::string> links;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error)) {
      links.push_back(std::filesystem::read_symlink(entry.path(), error));
    }
    return links;
  }
  static bool holds_parent(pid_t pid) {
    for (const std::string& link : descriptors_of(pid)) {
      if (link.find("flame-parent") != std::string::npos) return true;
    }
    return false;
  }
  static std::string environment_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/environ");
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  /// A runner that gets its parent in the environment, as machines in a cloud do, instead of a descriptor.
  std::string runner_with_variable() const {
    const std::string path =
        files_.write("runner",
                     "#!/bin/sh\nFLAME_PARENT=$(base64 -w0 <&$FLAME_PARENT_FD)\nexport FLAME_PARENT\n"
                     "unset FLAME_PARENT_FD\nexec " FLAME_TEST_RUNNER "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }

  TempDir files_;
};

TEST_F(Secrets, NoProcessHoldsTheDescriptorWithTheParentsData) {
  {
    const base::UniqueFd memory(::memfd_create("flame-parent", MFD_CLOEXEC));
    ASSERT_TRUE(holds_parent(::getpid())) << "else this test shows nothing";
  }
  EXPECT_FALSE(holds_parent(::getpid()));
  const Host host = make_host();
  const auto slot = static_cast<pid_t>(host.pool("work").call<misbehave::process_id>());
  const RunnerProcesses runner = runner_processes(::getpid());
  for (const pid_t pid : {slot, runner.zygote}) EXPECT_FALSE(descriptors_of(pid).empty()) << command_of(pid);
  for (const pid_t pid : runner.all()) EXPECT_FALSE(holds_parent(pid)) << command_of(pid);
  EXPECT_FALSE(holds_parent(slot));
  EXPECT_FALSE(holds_parent(::getpid())) << "the host keeps none, either";
}

TEST_F(Secrets, ATasksEnvironmentHasNothingOfTheRunners) {
  for (const std::string& binary : {std::string(FLAME_TEST_RUNNER), runner_with_variable()}) {
    const Host host = make_host({.runner = binary});
    const Pool pool = host.pool("work");
    for (const std::string name : {"FLAME_PARENT", "FLAME_PARENT_FD", "FLAME_PLUGIN_PATH"}) {
      EXPECT_EQ(pool.call<misbehave::environment>(name), "") << name << " of " << binary;
    }
    EXPECT_NE(pool.call<misbehave::environment>("GLIBC_TUNABLES"), "") << "else this test shows nothing";
    const RunnerProcesses runner = runner_processes(::getpid());
    ASSERT_GT(runner.zygote, 0);
    ASSERT_FALSE(runner.slots.empty());
    std::vector<pid_t> pids = runner.slots;
    pids.push_back(runner.zygote);
    for (const pid_t pid : pids) {
      EXPECT_EQ(environment_of(pid).find("FLAME_"), std::string::npos) << command_of(pid) << " of " << binary;
    }
  }
}

// The kernel gives what belongs to a process that cannot be dumped to root. Run by root this shows nothing; the
// guardian's own test does.
TEST_F(Secrets, GuardianAndSupervisorBelongToNobodyElse) {
  const Host host = make_host();
  EXPECT_EQ(host.pool("work").call<misbehave::add>(1, 2), 3);
  const RunnerProcesses runner = runner_processes(::getpid());
  const auto owner = [](pid_t pid) {
    struct stat status {};
    EXPECT_EQ(::stat(("/proc/" + std::to_string(pid) + "/environ").c_str(), &status), 0);
    return status.st_uid;
  };
  EXPECT_EQ(owner(runner.zygote), ::geteuid());
  EXPECT_EQ(owner(runner.guardian), 0U);
  EXPECT_EQ(owner(runner.supervisor), 0U);
}

// --- secrets of tasks ([pools.NAME.env])

// In no process's environment before it is given to the host: setenv() changes nothing that /proc shows.
const std::string kUrl = "postgres://app:sentinel-7f3a@db/app";
const std::string kKey = "-----BEGIN KEY-----\nsentinel-c41d\n-----END KEY-----";

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// What this process writes to standard error, into a file.
class StandardError {
 public:
  explicit StandardError(std::string path) : path_(std::move(path)), before_(::dup(STDERR_FILENO)) {
    const base::UniqueFd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    EXPECT_GE(::dup2(file.get(), STDERR_FILENO), 0);
  }
  ~StandardError() { ::dup2(before_.get(), STDERR_FILENO); }
  StandardError(const StandardError&) = delete;
  StandardError& operator=(const StandardError&) = delete;

 private:
  std::string path_;
  base::UniqueFd before_;
};

class TaskSecrets : public Secrets {
 protected:
  TaskSecrets() {
    ::setenv("FLAME_TEST_URL", kUrl.c_str(), 1);
    ::setenv("FLAME_LOG", "debug", 1);
    files_.write("key", kKey + "\n");
  }
  ~TaskSecrets() override {
    ::unsetenv("FLAME_TEST_URL");
    ::unsetenv("FLAME_LOG");
  }
  TaskSecrets(const TaskSecrets&) = delete;
  TaskSecrets& operator=(const TaskSecrets&) = delete;

  std::string lines() const {
    return "[pools.work.env]\nPLAIN = \"plain\"\nDATABASE_URL = { env = \"FLAME_TEST_URL\" }\nAPI_KEY = { file = \"" +
           (files_ / "key") + "\" }\n[host]\ncontrol = \"" + (files_ / "control") +
           "\"\n[backends.local.env]\nFLAME_RUNNER_LOG = \"debug\"\nDATABASE_URL = \"of the backend\"\n";
  }
  static bool shows(const std::string& text) { return text.find("sentinel-") != std::string::npos; }
  static std::string command_line_of(pid_t pid) { return contents("/proc/" + std::to_string(pid) + "/cmdline"); }
};

TEST_F(TaskSecrets, ReachTasksAndNobodyElse) {
  std::string told;
  {
    const StandardError log(files_ / "log");
    const Host host = make_host({.pool = lines()});
    const Pool pool = host.pool("work");
    EXPECT_EQ(pool.call<misbehave::environment>("DATABASE_URL"), kUrl) << "and it wins over the backend's";
    EXPECT_EQ(pool.call<misbehave::environment>("API_KEY"), kKey);
    EXPECT_EQ(pool.call<misbehave::environment>("PLAIN"), "plain");
    told += error_of([&] { pool.call<misbehave::throw_exception>(); }).to_string();
    const Error crash = error_of([&] { pool.call<misbehave::segfault>(); });
    EXPECT_EQ(crash.code, ErrorCode::crashed) << "else this test shows less";
    told += crash.to_string() + crash.log_tail;
    const std::string status = ask_socket(files_ / "control", "{\"flame\": 1, \"ask\": \"status\"}\n");
    EXPECT_NE(status.find("\"work\""), std::string::npos) << status;
    told += status + ask_socket(files_ / "control", "{\"flame\": 1, \"ask\": \"why\", \"invocation\": \"last\"}\n");
    const RunnerProcesses runner = runner_processes(::getpid());
    ASSERT_GT(runner.supervisor, 0);
    EXPECT_TRUE(shows(environment_of(runner.zygote))) << "else this test shows nothing";
    for (const pid_t pid : {::getpid(), runner.guardian, runner.supervisor}) {
      EXPECT_FALSE(shows(environment_of(pid))) << command_of(pid);
    }
    for (const pid_t pid : runner.all()) EXPECT_FALSE(shows(command_line_of(pid))) << command_of(pid);
    EXPECT_FALSE(shows(command_line_of(::getpid())));
  }
  EXPECT_FALSE(shows(told)) << "errors and status";
  const std::string log = contents(files_ / "log");
  EXPECT_NE(log.find("runner ready"), std::string::npos) << "else this test shows nothing";
  EXPECT_FALSE(shows(log));
}

TEST_F(TaskSecrets, AreReadAnewForEachRunner) {
  const Host host = make_host({.pool = "idle_shutdown_after = \"100ms\"\n" + lines()});
  const Pool pool = host.pool("work");
  EXPECT_EQ(pool.call<misbehave::environment>("API_KEY"), kKey);
  files_.write("key", "sentinel-new\n");
  ASSERT_TRUE(eventually([&] { return pool.stats().runners == 0; }));
  EXPECT_EQ(pool.call<misbehave::environment>("API_KEY"), "sentinel-new");
}

TEST_F(TaskSecrets, AHostDoesNotStartWithoutThem) {
  ::unsetenv("FLAME_TEST_URL");
  const Error error = error_of([&] { const Host host = make_host({.pool = lines()}); });
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_NE(error.message.find("pools.work.env.DATABASE_URL: "), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("FLAME_TEST_URL is not set"), std::string::npos) << error.message;
  EXPECT_EQ(error.message.find("bad_input.toml:"), 0U) << error.message;
}

}  // namespace
}  // namespace flame::test
