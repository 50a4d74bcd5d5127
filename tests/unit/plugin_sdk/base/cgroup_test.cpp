// Where a runner's cgroup is, by what the kernel says of mounts and of this process.
#include "plugin_sdk/base/cgroup.hpp"

#include <gtest/gtest.h>

namespace flame::base {
namespace {

constexpr const char* kUnified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

TEST(RunnerCgroup, LiesBelowTheOneThatThisProcessIsIn) {
  EXPECT_EQ(runner_cgroup("0::/user.slice/session-1.scope\n", kUnified, 42),
            "/sys/fs/cgroup/user.slice/session-1.scope/flame-runner-42");
  EXPECT_EQ(runner_cgroup("0::/\n", kUnified, 42), "/sys/fs/cgroup/flame-runner-42");
}

TEST(RunnerCgroup, IsFoundBesideHierarchiesOfVersionOne) {
  EXPECT_EQ(runner_cgroup("8:pids:/\n0::/app\n",
                          "40 39 0:35 / /sys/fs/cgroup/pids rw shared:9 - cgroup cgroup rw,pids\n"
                          "41 39 0:36 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw\n",
                          7),
            "/sys/fs/cgroup/unified/app/flame-runner-7");
}

TEST(RunnerCgroup, IsFoundWhereOnlyAPartOfTheTreeIsMounted) {
  const char* part = "30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
  EXPECT_EQ(runner_cgroup("0::/docker/abc/x\n", part, 7), "/sys/fs/cgroup/x/flame-runner-7");
  EXPECT_EQ(runner_cgroup("0::/elsewhere\n", part, 7), "");
}

TEST(RunnerCgroup, IsUnknownWithoutVersionTwo) {
  EXPECT_EQ(runner_cgroup("8:pids:/\n", kUnified, 7), "");
  EXPECT_EQ(runner_cgroup("0::/\n", "40 39 0:35 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n", 7), "");
  EXPECT_EQ(runner_cgroup("0::/../outside\n", kUnified, 7), "");
  EXPECT_EQ(runner_cgroup("", "", 7), "");
}

TEST(RunnerCgroup, OneThatNeverWasIsGone) {
  EXPECT_FALSE(make_cgroup(""));
  EXPECT_FALSE(make_cgroup("/no/such/directory/flame-runner-1"));
  EXPECT_TRUE(end_cgroup("/no/such/directory/flame-runner-1"));
}

}  // namespace
}  // namespace flame::base
