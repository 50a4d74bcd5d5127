// What runners know of their host, and tasks must not: keys and endpoints, in descriptors and environments.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/integration/bad_input/support.hpp"
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

}  // namespace
}  // namespace flame::test
