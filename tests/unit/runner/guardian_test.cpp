// guard(): what the two processes that know the keys show of themselves.
#include "runner/guardian.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace flame::runner {
namespace {

constexpr int kSupervised = 42;

bool dumpable() {
  return ::prctl(PR_GET_DUMPABLE) != 0;
}

int supervise_for_test(const std::string& bytes) {
  return bytes == "the keys" && !dumpable() ? kSupervised : 1;
}

// In a process of its own, because the guardian is one for good.
[[noreturn]] void guard_and_exit() {
  ParentBytes parent{"the keys", {}};
  const int status = guard(parent, supervise_for_test);
  ::_exit(status == kSupervised && !dumpable() && parent.bytes.empty() ? 0 : 1);
}

TEST(Guardian, NeitherItNorTheSupervisorCanBeDumpedOrTraced) {
  ASSERT_TRUE(dumpable()) << "else this test shows nothing";
  const pid_t guardian = ::fork();
  ASSERT_GE(guardian, 0);
  if (guardian == 0) guard_and_exit();
  int status = 0;
  ASSERT_EQ(::waitpid(guardian, &status, 0), guardian);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace flame::runner
