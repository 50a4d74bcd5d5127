// What the kernel says of processes that compute and of those that sleep.
#include "runner/os/process_load.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/eventually.hpp"

namespace flame::runner {
namespace process_load_test {

class ProcessLoad : public testing::Test {
 protected:
  template <class Work>
  void start(Work work) {
    child_ = ::fork();
    ASSERT_GE(child_, 0);
    if (child_ != 0) return;
    for (;;) work();
  }
  void TearDown() override {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

  pid_t child_ = -1;
};

TEST_F(ProcessLoad, OneThatComputesIsRunnableAndUsesTime) {
  start([] {
    [[maybe_unused]] static volatile int turns;
    turns = turns + 1;
  });
  EXPECT_TRUE(test::eventually([this] { return load_of(child_).runnable && cpu_time_of(child_) > Duration::zero(); }));
}

TEST_F(ProcessLoad, OneThatSleepsIsNot) {
  start([] { ::pause(); });
  EXPECT_TRUE(test::eventually([this] { return !load_of(child_).runnable; }));
  const Duration used = cpu_time_of(child_);
  EXPECT_FALSE(load_of(child_).runnable);
  EXPECT_EQ(cpu_time_of(child_), used);
}

TEST_F(ProcessLoad, OneThatIsGoneDoesNothing) {
  start([] { ::_exit(0); });
  EXPECT_TRUE(test::eventually([this] { return ::waitpid(child_, nullptr, WNOHANG) == child_; }));
  EXPECT_FALSE(load_of(child_).runnable);
  EXPECT_EQ(load_of(child_).cpu, Duration::zero());
}

}  // namespace process_load_test
}  // namespace flame::runner
