// The fixture that watches for leftovers sees each kind.
#include "tests/support/leftovers.hpp"

#include <fcntl.h>
#include <gtest/gtest-spi.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/common_interface_defs.h>
#endif

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::test {
namespace {

// Runs the fixture around a body, so that its verdict can be examined.
class Probe : public LeftoversTest {
 public:
  Probe() { patience_ = std::chrono::milliseconds(300); }
  using LeftoversTest::directory;
  using LeftoversTest::SetUp;
  using LeftoversTest::TearDown;
  void TestBody() override {}
};

// gtest's EXPECT_NONFATAL_FAILURE cannot capture; these are the results of one run.
template <typename Body>
std::vector<std::string> failures_of(Body body) {
  testing::TestPartResultArray results;
  {
    testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    Probe probe;
    probe.SetUp();
    body(probe);
    probe.TearDown();
  }
  std::vector<std::string> messages;
  for (int i = 0; i < results.size(); ++i) messages.emplace_back(results.GetTestPartResult(i).message());
  return messages;
}

TEST(Leftovers, ACleanTestPasses) {
  const auto failures = failures_of([](Probe&) {});
  EXPECT_TRUE(failures.empty()) << failures.front();
}

TEST(Leftovers, SeesAnOpenDescriptor) {
  base::UniqueFd left;
  const auto failures = failures_of([&](Probe&) { left.reset(open("/dev/null", O_RDONLY | O_CLOEXEC)); });
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_NE(failures[0].find("/dev/null"), std::string::npos) << failures[0];
}

TEST(Leftovers, SeesAFile) {
  const auto failures = failures_of([](Probe& probe) { std::ofstream(probe.directory() + "/socket") << "x"; });
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_NE(failures[0].find("socket"), std::string::npos) << failures[0];
}

TEST(Leftovers, SeesADaemonisedGrandchild) {
  const auto failures = failures_of([](Probe&) {
    const pid_t child = fork();
    if (child == 0) {
      if (fork() == 0) {
        setsid();
        for (;;) pause();
      }
      _exit(0);
    }
    waitpid(child, nullptr, 0);
  });
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_NE(failures[0].find("left process"), std::string::npos) << failures[0];
  EXPECT_TRUE(descendants(getpid()).empty());
}

TEST(Leftovers, ReapsAnOrphanThatHasEnded) {
  const auto failures = failures_of([](Probe&) {
    const pid_t child = fork();
    if (child == 0) {
      if (fork() == 0) _exit(0);
      _exit(0);
    }
    waitpid(child, nullptr, 0);
  });
  EXPECT_TRUE(failures.empty()) << failures.front();
}

#if defined(__SANITIZE_THREAD__) && defined(__clang__)
TEST(Leftovers, AcceptsTheSymbolizerThatThreadSanitizerKeeps) {
  const auto before = descendants(getpid());
  const auto failures = failures_of([](Probe&) {
    char name[64];
    __sanitizer_symbolize_pc(__builtin_return_address(0), "%f", name, sizeof name);
  });
  EXPECT_TRUE(failures.empty()) << failures.front();
  EXPECT_GT(descendants(getpid()).size(), before.size()) << "no symbolizer was started: nothing is tested here";
}
#endif

}  // namespace
}  // namespace flame::test
